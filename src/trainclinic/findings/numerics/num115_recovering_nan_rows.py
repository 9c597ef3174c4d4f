"""Good rows follow non-finite ones.

## What it sees
After a row whose loss is NaN or infinite (or hides it), a later row has a finite loss, and a finite gradient norm where
one is logged.

## Why it matters
Weights that have become NaN stay so: every later row would be NaN too. A good row afterwards says that the weights
survived, so something about single batches, single evaluations or skipped steps made the NaN, and not a ruined model.

## What it does not mean
It does not make the NaN harmless: each such row is a lost step, and a float16 scaler that skips one step in three
trains a third less. One good row after a resume says only that the checkpoint was good.

## Example
`5.3, nan, 5.02, 5.91, nan, 5.47`

## Check it by hand
Note the rows of the data that went into the bad steps, and compute the loss of each of them alone in float32.

## References
- https://github.com/google/gemma_pytorch/issues/24
- IEEE 754: a NaN in a weight reaches every later loss
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look for a good row after the first broken one."""
    if run.train_loss is None and run.record.get("train/grad_norm") is None:
        return NotEvaluated(missing="`train/loss` or `train/grad_norm`")
    broken = run.broken_rows
    if broken is None:
        return Absent((Evidence("no training loss is non-finite, and no gradient norm stays so"),))
    if not broken.after:
        return NotEvaluated(missing="a row after the first non-finite one")
    axis, row = run.record.axis, broken.good_after
    if row is None:
        says = f"no row after {axis} {broken.first_step} is good ({count(broken.after, 'row')})"
        return Absent((Evidence(says, broken.source, broken.first_step, broken.series),))
    first = Evidence(
        f"{'loss' if broken.series == 'train/loss' else 'gradient norm'} is {number(broken.value)} "
        f"at {axis} {broken.first_step}",
        broken.source,
        broken.first_step,
        broken.series,
    )
    good = int((~broken.broken[row:]).sum())
    step = int(broken.step[row])
    loss = run.train_loss
    back = f"{axis} {step} is good again, and {count(good, 'good row')} in all come after the first bad one"
    return Present((first, Evidence(back, None if loss is None else loss.source_at(step), step, "train/loss")))


RULE = Rule(
    code="NUM115",
    slug="recovering-nan-rows",
    severity=Severity.NOTE,
    needs=("train/loss", "train/grad_norm"),
    check=check,
    since="0.2",
)
