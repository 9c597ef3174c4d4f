"""Begin every training row, evaluation row and prompt with the begin token exactly once.

## Why it works
A chat template writes the begin token as text, and a tokenizer called with default settings puts another before it.
`add_special_tokens=False` after a template, or `tokenize=True` inside it, leaves one. Families such as Gemma put much
of their attention on the first position: checkpoints that score a perplexity of 3.5 with their begin token were
published with 2,645 and more without it. Models of other families lose a few hundredths of a nat with two begin
tokens, and some points in benchmarks when training and serving differ. Families without a begin token (Qwen 2.5) need
none, and the same call gives none.

## What it does not do
It changes one id and cannot mend a frame that is foreign as a whole, or weights that were not loaded. An adapter that
was trained with two begin tokens is served best with two, until training has gone on for some hundred steps with one.
An adapter of Gemma that was trained without any is better begun again. Where the evaluation alone was wrong, nothing
has to be trained.

## References
- https://github.com/EleutherAI/lm-evaluation-harness/pull/2049
- https://github.com/ml-explore/mlx-examples/issues/1002
- https://huggingface.co/docs/transformers/main/en/chat_templating
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="write-one-begin-token",
    title="Write the begin token exactly once",
    kind="recipe",
    change=(
        "Tokenise text that a chat template rendered with `add_special_tokens=False`, plain text with the default, "
        "and let evaluation and server do the same"
    ),
    treats=(
        Treats("bos-mismatch", CURES, "every text begins in the one way that the weights know"),
        Treats("evaluation-artefact", EASES, "a begin token on one side alone is one of the differences"),
        Treats("export-conversion-mismatch", EASES, "many servers put a begin token of their own before the template"),
    ),
    expects=(
        Expectation("the first 2 ids of 20 training rows, evaluation rows and prompts hold the begin token once"),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}, or stays within 0.05 nats "
            "where the token had been doubled",
            "the first loss falls by more than 1 nat where a needed begin token was absent, and stays within 0.05 "
            "nats where it had been doubled",
        ),
    ),
    check=(
        "Print the first two ids of a training row, an evaluation row and a served prompt: in all three "
        "`tokenizer.bos_token_id` must stand first and not second"
    ),
    risk="Adapters that were trained with two begin tokens expect two, until they were trained further with one",
    minutes=5,
    restart="the last checkpoint",
    patches=(Patch("text.begin_tokens", "the pretrained weights saw one begin token before each text", to=1),),
    edit=Edit(
        before="""\
text = tokenizer.apply_chat_template(messages, tokenize=False)
ids = tokenizer(text)["input_ids"]
""",
        after="""\
text = tokenizer.apply_chat_template(messages, tokenize=False)
ids = tokenizer(text, add_special_tokens=False)["input_ids"]
""",
        note="Text without a template keeps the default, which adds the begin token where the family has one.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --no-add-special-tokens --show 3",),
)
