"""Sum the gradients of more rows before each update, 32 where there were one to four.

## Why it works
The gradient of B rows is the true one plus noise, and the variance of the noise falls with 1/B. From 4 to 32 rows it
falls to an eighth, and its size to 0.35. Far below the noise scale of the task each step is nearly a random walk; the
level on which such a run ends is proportional to the rate over the batch. Accumulation needs no more memory: the rows
go through the model a few at a time, and the weights change once for all of them. The mean has to run over the target
tokens of all of them, not over the means of each pass, or short rows weigh too much; the Trainer counts them so.
Fewer and better steps bear a higher rate: with Adam about the square root of the factor, 2.8 for eight times the rows.

## What it does not do
It moves no level that is wrong in the first row, and makes nothing finite that was not. Noise of the log is not noise
of the gradient: rows with answers of a few tokens scatter at any batch. Above the noise scale more rows cost time and
bring nothing. An epoch has eight times fewer updates, which a small set may not have to spare.

## References
- https://arxiv.org/abs/1812.06162
- https://github.com/CerebrasResearch/nanoGNS
- https://huggingface.co/docs/transformers/perf_train_gpu_one
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

_WHY = "32 rows to an update leave a third of the noise of four"

FIX = Fix(
    slug="accumulate-more-rows",
    title="Accumulate more rows per update",
    kind="recipe",
    change=(
        "Raise the accumulation until 32 rows make an update, and keep the number of updates: count the schedule and "
        "the warm-up in optimizer steps, and add epochs if fewer than some 200 of them are left"
    ),
    treats=(
        Treats("batch-size-too-small", CURES, "the variance of the noise falls with the number of rows"),
        Treats("learning-rate-too-high", EASES, "noise adds to each step, though the step itself stays as large"),
        Treats("missing-gradient-clipping", EASES, "an outlier is one row of 32"),
    ),
    expects=(
        Expectation(
            "with {new_batch} rows per update instead of {batch} the logged losses scatter about a third as much",
            "with eight times the rows per update the logged losses scatter about a third as much",
        ),
        Expectation("after 200 updates the held-out loss is lower than after 200 updates before"),
    ),
    check=(
        "Train 200 updates with the old and with eight times the rows, same rate and seed: if both held-out losses "
        "agree within their error, the batch was large enough before"
    ),
    risk="A set of 500 rows has 16 updates an epoch then: too few for a warm-up and a decay",
    minutes=3,
    restart="the last checkpoint",
    patches=(
        Patch("batch.accumulation", _WHY, at_least=8, when=("batch.rows", (4,))),
        Patch("batch.accumulation", _WHY, at_least=32, when=("batch.rows", (1,))),
        Patch("batch.accumulation", _WHY, at_least=16, when=("batch.rows", (2,))),
        Patch("batch.accumulation", _WHY, at_least=4),
        Patch("loss.normalised_by", "each target of an update should count alike", to="targets"),
    ),
    edit=Edit(
        before="""\
args = TrainingArguments(output_dir="out", per_device_train_batch_size=1, num_train_epochs=1)
""",
        after="""\
args = TrainingArguments(
    output_dir="out", per_device_train_batch_size=4, gradient_accumulation_steps=8, num_train_epochs=3
)
""",
    ),
    alternatives=("lower-learning-rate",),
    pros=("no more memory", "a log that can be read", "the full rate stays possible"),
    cons=("eight times the time of an update", "fewer updates in an epoch"),
)
