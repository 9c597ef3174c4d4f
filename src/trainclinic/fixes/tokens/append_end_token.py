"""Write the end token of the tokenizer after every answer, so that stopping is something the rows teach.

## Why it works
A model stops because one id becomes likely after a complete answer, and it learns that from rows in which this id
follows the answer and is a target. Tokenizers of Llama, Mistral and Gemma put a begin token before a text and nothing
after it, so that a formatting function has to write the end. One token per row changes the mean loss by a few
hundredths at most, and decides whether outputs end.
It must be the id that generation waits for: `tokenizer.eos_token` for plain text, the end of the turn
(`<|im_end|>`, `<|eot_id|>`, `<end_of_turn>`) for chat templates, and `generation_config.eos_token_id` has to hold it.

## What it does not do
It does not help while the collator hides that id as padding, or while a length limit cuts it off: rows above the limit
lose their end first, so leave them out. A literal of another family in its place is split into 6 to 10 ordinary
pieces and ends nothing. Conversations that a chat template renders get their end from the template: look there before
a second one is appended. Checkpoints need no new start: with their weights and a fresh schedule some hundred steps
teach the end.

## References
- https://github.com/huggingface/trl/issues/734
- https://github.com/zjysteven/lmms-finetune/issues/47
- https://github.com/huggingface/transformers/issues/22794
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="append-end-token",
    title="Append the end token to every answer",
    kind="recipe",
    change="Append `tokenizer.eos_token` to the text of every answer, and leave out rows that the limit would cut",
    treats=(
        Treats("missing-eos-in-targets", CURES, "every row then ends in the id that generation waits for"),
        Treats("foreign-special-tokens", HELPS, "the model can stop, though the literal before it stays in the text"),
        Treats("packing-contamination", EASES, "rows that share a sequence have at least a visible border"),
    ),
    expects=(
        Expectation(
            "the last target of 100 % of the rows is {eos}",
            "the last target of 100 % of the rows is the end token of the model",
        ),
        Expectation("at least 7 of 8 greedy answers stop before `max_new_tokens` after some 200 steps"),
        Expectation(
            "after a training answer {eos} has a probability above 0.5",
            "after a training answer the end token has a probability above 0.5",
        ),
    ),
    check="Decode the last three targets of 20 tokenised rows: each row must end in the end token, once",
    risk="Where a template or trainer appends one already, rows end in two, and the second one teaches nothing",
    minutes=5,
    restart="the last checkpoint",
    patches=(
        Patch("text.end_token", "no row teaches a model to stop without one", to=True),
        Patch("text.too_long", "a row that is cut loses its end token first", to="drop"),
    ),
    edit=Edit(
        before="""\
def render(row):
    return {"text": f"### Question:\\n{row['question']}\\n### Answer:\\n{row['answer']}"}
""",
        after="""\
def render(row):
    return {"text": f"### Question:\\n{row['question']}\\n### Answer:\\n{row['answer']}{tokenizer.eos_token}"}
""",
        note="A chat template needs the same at the end of the assistant's turn.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --loss-on answers --show 3",),
    is_precaution=True,
)
