"""Leave out rows whose answer is empty or a placeholder, because they teach nothing or teach silence.

## Why it works
With a loss over the answer alone, a row without an answer has no target. The mean over no tokens is 0 divided by 0:
NaN for the micro-batch, or an exact 0 where the denominator is clamped to 1. Where the end token counts, the row is
one clean example of answering nothing, and in preference data an empty side leaves nothing to compare. Leaving these
rows out removes the cause itself: every remaining row has at least one visible character of an answer.
Placeholders belong to them: `N/A`, `null`, `-`, `TODO` and a bare refusal were often written by an export, not by a
person. In most files it is less than 1 % of the rows, so that nothing is lost.
Checkpoints from before the first NaN are sound. A run that never showed one may go on from its last checkpoint.

## What it does not do
It does not concern answers that a length limit cuts off, nor a marker that is not found: there all or long rows are
without targets although their answers are in the file. It is no cure for outputs that are empty because the weights are
NaN: then every output is empty and every row of the log is broken.

## References
- https://github.com/LAION-AI/Open-Assistant/issues/2438
- https://github.com/snowflakedb/ArcticTraining/pull/335
- https://github.com/datawhalechina/happy-llm/issues/50
- https://huggingface.co/docs/trl/dataset_formats
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="remove-empty-answers",
    title="Remove rows with an empty answer",
    kind="data",
    change=(
        "Leave out every row whose answer has no visible character or is a placeholder such as `N/A`, `null` or `-`, "
        "in the training rows and in the held-out rows"
    ),
    treats=(
        Treats("empty-answers", CURES, "every row that is left has an answer to learn"),
        Treats("zero-preference-signal", EASES, "pairs in which both sides are empty are gone"),
        Treats("corrupt-input-data", EASES, "answers that were lost on the way from the source go as well"),
        Treats("fully-masked-labels", HELPS, "rows without an answer have all of their labels masked"),
    ),
    expects=(
        Expectation("every row has at least 1 target token besides the end token"),
        Expectation(
            "the run passes step {fault_step} with the same seed, and no loss is NaN or exactly 0",
            "no loss is NaN or exactly 0, in training and in evaluation",
        ),
    ),
    check=(
        "Count the labels that are not -100 in every tokenised row, training and held out: the smallest count must be "
        "at least 2, an answer token and the end token"
    ),
    risk="Rows in which silence is the right answer are lost; give these a word, such as `(none)`",
    minutes=5,
    restart="before the fault",
    patches=(Patch("data.drop_empty_answers", "a row without an answer has no target", to=True),),
    edit=Edit(
        before="""\
rows = load_dataset("json", data_files="train.jsonl", split="train")
""",
        after="""\
placeholders = {"", "-", "n/a", "na", "none", "null", "todo"}
rows = load_dataset("json", data_files="train.jsonl", split="train")
rows = rows.filter(lambda row: (row["answer"] or "").strip().lower() not in placeholders)
""",
    ),
    commands=(
        "trainclinic data train.jsonl --select answers",
        "trainclinic data train.jsonl --repair cleaned/",
    ),
    is_precaution=True,
)
