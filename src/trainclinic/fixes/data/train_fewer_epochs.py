"""Plan one to two passes over the rows, with a schedule that ends there.

## Why it works
The first pass shows every row as new, and what it teaches holds for other rows too. With each further pass a larger
part is memory of the rows themselves. At rates from 1e-4 for adapters and 1e-5 for full fine-tunes a single sight may
be enough to recognise a row, so that the loss steps down at the first epoch boundary. Instruction data usually bear two
or three passes; a few hundred rows at a high rate bear one.
A planned end is more than a stop: cosine and linear schedules reach 0 there, and the last steps at small rates lower
the held-out loss by a few hundredths of a nat. A run that is cut off in the middle of a schedule for ten epochs never
gets them. The time goes down in proportion: two passes instead of ten take a fifth.

## What it does not do
It does not help where the held-out loss is flat while the training loss falls: that is memory without harm. Copies
in the file count as passes, so remove them first. Where too little is learned in two passes, more rows help, and more
passes do not; facts that occur in one row each are better looked up than trained.

## References
- https://arxiv.org/abs/2305.16264
- https://www.fast.ai/posts/2023-09-04-learning-jumps/
- https://github.com/tatsu-lab/stanford_alpaca/issues/236
"""

from __future__ import annotations

from trainclinic.fixes.fix import EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="train-fewer-epochs",
    title="Train fewer epochs",
    kind="recipe",
    change=(
        "Set the number of epochs to the pass in which the held-out loss was lowest, at most 2, and let the schedule "
        "end there"
    ),
    treats=(
        Treats("overfitting", HELPS, "rows are not seen often enough to be known by heart"),
        Treats("duplicate-samples", EASES, "copies are seen fewer times, though still too often"),
    ),
    expects=(
        Expectation(
            "the held-out loss falls or stays level up to the end, after at most 2 passes of {steps_per_epoch} steps",
            "the held-out loss falls or stays level up to the end of the second pass",
        ),
        Expectation("the training loss steps down at most once, at the end of the first pass"),
    ),
    check="Score the final weights and those of the old minimum on the held-out rows: they must agree to 0.02 nats",
    risk="A small file gives few steps: below about 200 the style of the answers may not have been learned",
    minutes=2,
    restart="the best checkpoint",
    patches=(
        Patch("schedule.steps", "a fixed number of steps would overrule the number of passes", to=0),
        Patch("schedule.epochs", "instruction rows bear two passes in most cases", at_most=2.0),
    ),
    edit=Edit(
        before="""\
args = TrainingArguments("out", num_train_epochs=10, lr_scheduler_type="cosine")
""",
        after="""\
args = TrainingArguments("out", num_train_epochs=2, lr_scheduler_type="cosine")
""",
        note="Remove `max_steps`, which overrules the number of epochs, and shorten `warmup_steps` to a tenth.",
    ),
    alternatives=("stop-at-the-best-checkpoint", "answer-by-retrieval"),
    pros=("a schedule that comes down to 0", "a fraction of the time"),
    cons=("the number of passes has to be known", "a new run, where the other way takes a stored checkpoint"),
)
