"""Leave out rows that have no target left after tokenising, and rows that the limit would cut.

## Why it works
A row whose labels are all -100 adds nothing to a gradient. It does harm as a number: a micro-batch of such rows is 0/0,
which is NaN, and one NaN in an evaluation is the whole `eval_loss`. Counting targets after tokenising catches every
reason at once: an answer that is empty, one that the limit cut off, one that the mask missed. The first label must not
count, for nothing predicts the first token. A row with one target has the end token alone and teaches silence.
TRL drops fully masked rows without a word; if all are dropped it stops with `num_samples=0`. In a script of your own
one `filter` does the same, and prints how many rows are gone.

## What it does not do
It does not bring back what was cut: when more than some 5 % of the rows go, raise the limit or mend the mask, for what
goes is not a random sample but the long rows. When all rows go, the marker or the border is wrong. Rows that keep a
part of their answer lose no label by this count and still have no end; only leaving out all rows above the limit
removes them.

## References
- https://github.com/huggingface/trl/pull/6025
- https://github.com/snowflakedb/ArcticTraining/pull/335
- https://github.com/huggingface/trl/issues/3927
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.fixes.fix import HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="leave-out-rows-without-answer",
    title="Leave out rows without an answer to learn",
    kind="data",
    change=(
        "Leave out every row that has fewer than 2 targets after tokenising or is longer than the limit, in training "
        "and held-out rows, and print how many these are"
    ),
    treats=(
        Treats("truncated-answers", HELPS, "rows that the limit empties or cuts are gone, if enough others are left"),
        Treats("fully-masked-labels", HELPS, "single rows without a target can no longer fill a batch"),
        Treats("empty-answers", HELPS, "a row whose answer is empty has at most its end token as a target"),
    ),
    expects=(
        Expectation(
            "0 rows above {new_max_length} tokens and 0 rows with fewer than 2 targets are left",
            "0 rows above the limit and 0 rows with fewer than 2 targets are left",
        ),
        Expectation(
            "no loss is NaN or exactly 0 past step {fault_step}, in training and in evaluation",
            "no loss is NaN or exactly 0, in training and in evaluation",
        ),
    ),
    check=(
        "Print the smallest number of labels that are not -100 in a row, and the share of rows left out: at least 2, "
        "and below 5 %"
    ),
    risk="What is left out are the long rows, so that the model sees no long prompts or answers any more",
    minutes=5,
    restart="the last checkpoint",
    patches=(
        Patch("text.too_long", "a row that is cut has no end, or no answer at all", to="drop"),
        Patch("data.drop_empty_answers", "a row without an answer has no target", to=True),
    ),
    edit=Edit(
        before="""\
rows = data.map(encode, remove_columns=data.column_names)
""",
        after="""\
rows = data.map(encode, remove_columns=data.column_names)
count = len(rows)
rows = rows.filter(lambda row: sum(label != -100 for label in row["labels"][1:]) >= 2)
print(f"left out {count - len(rows)} of {count} rows without an answer")
""",
        note="Do not truncate in `encode`: compare the length with the limit and leave longer rows out.",
    ),
    commands=(
        "trainclinic data train.jsonl --tokenizer models/base --loss-on answers --max-length 1024",
        "trainclinic data train.jsonl --repair cleaned/",
    ),
    alternatives=("fit-answers-into-the-limit",),
    pros=("one line", "costs no memory", "also guards the evaluation against NaN"),
    cons=("long rows are lost", "hides a wrong mask if nobody reads the count"),
)
