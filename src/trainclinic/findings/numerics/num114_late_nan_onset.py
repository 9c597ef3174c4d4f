"""The first non-finite value comes after tens of good steps.

## What it sees
The first row with a non-finite loss (or a hidden one, or a gradient norm that is non-finite from there to the end)
comes after ten good optimizer steps or more. In a log without steps ten good rows
are enough, because each of them holds a step or more.

## Why it matters
Tens of updates and batches went well, so what breaks a run at once is unlikely: wrong weights, a wrong mask in every
batch, an optimizer that cannot compute in the precision of the weights. What is left comes with a particular batch,
with slowly growing activations, or with a learning rate that has reached its top.

## What it does not mean
It does not say that the batch at that step is corrupt, nor that the rate is too high: a rare row without targets, a
kernel that fails at one length and float16 values that grow out of range all wait for their moment.

## Example
34 rows between 3.1 and 1.9, then `iter 35 loss nan` to the end.

## Check it by hand
Start again from the last good checkpoint with another data order: the same step speaks for the state of the model, the
same rows for the data.

## References
- https://github.com/huggingface/transformers/issues/5651
- https://github.com/karpathy/nanoGPT/issues/215
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.broken_rows import BrokenRows

LATE = Threshold("good steps before it", 10, "steps", "an update that ruins weights shows within two or three steps")
NAMES = {"train/loss": "loss", "train/grad_norm": "gradient norm"}


def check(run: Measured) -> Verdict:
    """Place the first broken row among the steps."""
    if run.train_loss is None and run.record.get("train/grad_norm") is None:
        return NotEvaluated(missing="`train/loss` or `train/grad_norm`")
    broken = run.broken_rows
    if broken is None:
        return Absent((Evidence("no training loss is non-finite, and no gradient norm stays so"),))
    what = f"{NAMES[broken.series]} is {number(broken.value)} at {run.record.axis} {broken.first_step}"
    good, at_least = _good_steps(run, broken)
    if good >= LATE.value:
        says = f"{what}, after {count(good, 'good step')}{' or more' if at_least else ''}"
        return Present((Evidence(says, broken.source, broken.first_step, broken.series),))
    begin = _latest_onset(run, broken)
    if begin is not None and begin <= LATE.value:
        says = f"{what}; the first non-finite value arose in step {begin} at the latest"
        return Absent((Evidence(says, broken.source, broken.first_step, broken.series),))
    return NotEvaluated(missing="rows of every step around the first non-finite value (`logging_steps=1`)")


def _good_steps(run: Measured, broken: BrokenRows) -> tuple[int, bool]:
    """Steps that went well before the first broken row, and whether that is a lower bound."""
    if broken.last_good is None:
        return 0, True
    if run.record.axis == "step":
        return broken.last_good, broken.first_step - broken.last_good > 1
    interval = int(run.record.facts.number("logging_steps") or 1) if run.record.axis == "row" else 1
    return broken.good * interval, True


def _latest_onset(run: Measured, broken: BrokenRows) -> int | None:
    """The latest step in which the value can have arisen; `None` in a log without steps."""
    if run.record.axis != "step":
        return None
    onset = run.onset
    if onset is not None and onset.exact_step is not None and onset.step <= broken.first_step:
        return onset.exact_step
    return broken.first_step


RULE = Rule(
    code="NUM114",
    slug="late-nan-onset",
    severity=Severity.NOTE,
    needs=("train/loss", "train/grad_norm"),
    check=check,
    thresholds=(LATE,),
    since="0.2",
)
