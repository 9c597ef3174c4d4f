"""Log losses as they were computed, NaN included, and in every few steps.

## Why it works
With its default `logging_nan_inf_filter=True` the Trainer replaces a NaN or infinite loss by a share of what its window
holds so far. A run that is NaN from the third step on then prints one inflated row and exact zeros, which look like a
model that knows everything; 14,577.98 was two healthy losses of 2.23. In transformers 5 the filter also leaves
non-finite batches out of `eval_loss`. Switched off, the first NaN stands in the row in which it arose, and the search
begins at the right step. The filter never touched gradients or weights, so switching it off changes no training; it
takes no time either. With a row for every step nothing is averaged, and the value is what the loss function returned.

## What it does not do
It repairs nothing but the print. If rows say NaN afterwards, the fault behind the curtain is the thing to treat, and
weights that were updated with a NaN gradient are lost, whatever had been printed. Norms that other programs filter
(-1 for NaN in DeepSpeed, 0.0 in some trackers) have to be read at their source.

## References
- https://huggingface.co/docs/transformers/main_classes/trainer
- https://github.com/huggingface/transformers/issues/13758
- https://github.com/huggingface/trl/issues/6702
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="log-true-losses",
    title="Log losses as they are",
    kind="evaluation",
    change=(
        "Set `logging_nan_inf_filter=False` and `logging_first_step=True`, log every 5 steps or oftener, and stop the "
        "run at the first value that is not finite"
    ),
    treats=(
        Treats("log-reporting-artefact", CURES, "no filter is left between the loss and the row"),
        Treats("evaluation-artefact", EASES, "the mean of the evaluation leaves no batch out"),
    ),
    expects=(
        Expectation(
            "the first logged loss is {first_loss} instead of {logged_first_loss}, or it is NaN, and no row is 0.0",
            "no row is exactly 0.0 or 100 times its neighbours; what is not finite reads nan",
        ),
        Expectation("the printed loss equals that of the loss function within 0.001, where each step has its row"),
    ),
    check="Print `loss.item()` in `compute_loss` for 10 steps with `logging_steps=1` and compare it with the rows",
    risk="NaN in `trainer_state.json` is no valid JSON, and strict readers refuse the file",
    minutes=2,
    restart="no training",
    patches=(
        Patch("guard.true_losses", "the filter prints numbers in place of NaN", to=True),
        Patch("guard.log_every_steps", "the mean of a long window hides single steps", at_most=5),
        Patch("guard.stop_on_non_finite", "every step after a NaN gradient is wasted", to=True),
    ),
    edit=Edit(
        before="""\
args = TrainingArguments(output_dir="out", logging_steps=100)
""",
        after="""\
args = TrainingArguments(
    output_dir="out", logging_steps=5, logging_first_step=True, logging_nan_inf_filter=False
)
""",
    ),
    is_precaution=True,
)
