"""The gradient norm is NaN or infinite while the loss is finite.

## What it sees
Rows of `train/grad_norm` that are NaN or inf although the loss of the same row is a finite number (an exact 0 counts:
see `nan-hidden-as-zero`).

## Why it matters
A step on a NaN gradient makes every weight NaN. When every row is affected and the loss does not fall, either each
update is skipped or each one does harm.

## What it does not mean
A single such row between normal ones is usual under float16 with a loss scaler: the scaler probes for the largest
scale, meets an overflow, skips that step and halves the scale. Nor does it point to the learning rate: lowering it
cannot help where the value is NaN at rate 0. An infinite norm says that backward overflowed on a finite loss.

## Example
`{"step": 33, "loss": 0.3391, "grad_norm": Infinity, "learning_rate": 0.0001118}` with the same rate in the row before
is a skipped step.

## Check it by hand
After `loss.backward()`, list the parameters whose `p.grad` is not finite; repeat with another attention implementation.

## References
- https://docs.pytorch.org/docs/stable/notes/amp_examples.html
- https://github.com/huggingface/trl/issues/7181
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.gradients import Gradients

STEADY = Threshold(
    "rows that all have a non-finite norm",
    5,
    "rows",
    "a scaler that starts at 65,536 skips a few steps in a row at the very start; five logged rows are past that",
)
FALLEN = Threshold("fall of the median loss", 0.02, "1", "less than 2 % between thirds of a log is within its noise")
MANY = Threshold("share of rows", 0.2, "1", "a scaler that probes skips one step in 2,000 and a handful at the start")


def check(run: Measured) -> Verdict:
    """Look for non-finite norms and weigh how lasting they are."""
    found = run.gradients
    if found is None:
        return NotEvaluated(missing="`train/grad_norm`")
    broken, norm = found.not_finite, found.norm
    if not broken.rows:
        return Absent((Evidence(f"{count(len(norm), 'gradient norm')}, all finite"),))
    first = broken.first
    says = f"gradient norm is {norm.value[first]:g} at step {norm.step[first]}, first of {broken.rows} in {len(norm)}"
    evidence = [Evidence(says, norm.source(first), int(norm.step[first]), "train/grad_norm")]
    if found.skipped_rows:
        says = f"the learning rate stands still at {found.skipped_rows} of them: those steps were skipped"
        evidence.append(Evidence(says, series="train/learning_rate"))
    severity, means = _weigh(run, found)
    settle = "`torch.isfinite` over the parameters of the last checkpoint" if severity is not Severity.NOTE else ""
    return Present(tuple(evidence), means=means, settle=settle, severity=severity)


def _weigh(run: Measured, found: Gradients) -> tuple[Severity, str]:
    """How bad the pattern is, from what the loss does meanwhile."""
    broken = found.not_finite
    if run.nan_filter is not None and run.nan_filter.to_the_end:
        return Severity.HARMFUL, "The loss reads 0 beside it to the end, so the losses are NaN too."
    if run.train_loss is not None and not _is_finite_at_end(run):
        return Severity.HARMFUL, "The loss is not finite at the end either."
    share = broken.rows / len(found.norm)
    if broken.pattern == "recovers":
        if share <= MANY.value or broken.rows == 1:
            where = "the last row" if broken.begins >= 0 else "isolated rows"
            return Severity.NOTE, f"Only {where}, and the loss is normal: the step was skipped or did no harm."
        return Severity.WARNING, f"{percent(share)} of the rows: steps are lost, and the norm cannot be clipped there."
    fallen = found.loss_change is not None and found.loss_change < -FALLEN.value
    if fallen:
        return (
            Severity.WARNING,
            "The loss falls all the same, so the weights are intact and the norm itself is suspect.",
        )
    if broken.rows >= STEADY.value:
        return Severity.HARMFUL, "The loss does not fall: updates are skipped or do harm."
    return Severity.WARNING, "Too few rows to see whether the loss still falls."


def _is_finite_at_end(run: Measured) -> bool:
    return run.train_loss is not None and abs(float(run.train_loss.value[-1])) < float("inf")


RULE = Rule(
    code="NUM102",
    slug="nan-gradient-norm",
    severity=Severity.HARMFUL,
    needs=("train/grad_norm", "train/loss", "train/learning_rate"),
    check=check,
    thresholds=(STEADY, FALLEN, MANY),
)
