"""Raise the length limit until answers fit, and shorten the prompt where a row is still too long.

## Why it works
A row is cut at its end, and its end is the answer. With prompts of 900 tokens and a limit of 512 no row has a target
left: the mean over nothing is 0/0, logged as NaN, or as 0.0 where a filter or a clamp hides it. A limit above the
longest rows keeps every answer with its end token. Where memory sets a bound, the prompt can lose its middle or its
beginning without harm to the target; an answer cannot lose its end.
Count before choosing: the limit has to lie above prompt and answer of 99 % of the rows, and not above the positions of
the model (1,024 for GPT-2, 2,048 for TinyLlama). Without a tokenizer, four characters a token is near enough.
Runs in which every row was empty have learned nothing; take their weights, or the base, and a fresh schedule.

## What it does not do
It does not help where short rows have no targets either: there the marker or the border of the prompt is wrong. It does
not make room in memory. A row of twice the length holds twice the activations, so halve the rows per pass and double
the accumulation.

## References
- https://github.com/huggingface/trl/issues/3927
- https://github.com/huggingface/trl/pull/6025
- https://github.com/AnswerDotAI/fsdp_qlora/issues/45
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="fit-answers-into-the-limit",
    title="Make answers fit into the length limit",
    kind="recipe",
    change=(
        "Set `max_length` above prompt and answer of 99 % of the rows, within the positions of the model, and cut what "
        "is still too long out of the prompt, never out of the answer"
    ),
    treats=(
        Treats("truncated-answers", CURES, "answers and their end tokens stand before the limit"),
        Treats("missing-eos-in-targets", EASES, "rows that were only cut get their end token back"),
    ),
    expects=(
        Expectation(
            "at a limit of {new_max_length} instead of {max_length} tokens 0 rows are without a target",
            "at the new limit 0 rows are without a target",
        ),
        Expectation("the last target of at least 99 % of the rows is the end token"),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}, and no row logs exactly 0",
            "the first loss is above 0 and finite, and no row logs exactly 0",
        ),
    ),
    check=(
        "Count the labels that are not -100 in every row at the new limit: the smallest count must be at least 2, an "
        "answer token and the end token"
    ),
    risk="Memory grows with the longest row: at a doubled limit halve the rows per pass and double the accumulation",
    minutes=15,
    restart="the last checkpoint",
    patches=(
        Patch("text.max_length", "prompts fill the old limit before their answers begin", times=2.0, at_least=1024),
        Patch("text.too_long", "a row that is cut loses its answer first", to="drop"),
    ),
    edit=Edit(
        before="""\
start = tokenizer(row["prompt"])["input_ids"]
end = tokenizer(row["answer"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
ids = (start + end)[:512]
labels = ([-100] * len(start) + end)[:512]
""",
        after="""\
end = tokenizer(row["answer"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
start = tokenizer(row["prompt"])["input_ids"][: max(1, 2048 - len(end))]
ids = start + end
labels = [-100] * len(start) + end
""",
        note="Cut a prompt in its middle if its end holds the question; drop rows whose answer alone is too long.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --loss-on answers --max-length 2048",),
    alternatives=("leave-out-rows-without-answer",),
    pros=("every row is used", "long answers are learned to their end"),
    cons=("memory and time grow with the limit", "the positions of the model are a bound"),
)
