"""A spike begins where a pass over the data ends and the next one begins.

## What it sees
A rise that is reported as spike or divergence begins within 2 % of a pass, or two rows, of an epoch boundary. Where it
begins elsewhere, the verdict is absent and says where in the pass.

## Why it matters
At an epoch boundary the data order is drawn anew, samplers and shards begin again, and some loops reset state. A rise
exactly there belongs to that machinery; a rise elsewhere does not.

## What it does not mean
It says nothing about single bad rows: those come once in every pass, at any place. With passes of few rows many places
lie near a boundary, and such logs are not judged.

## Example
`epoch 0.99 loss 1.02; epoch 1.00 loss 3.95`

## Check it by hand
Print the indices of the first batches of two passes, on every process.

## References
- https://github.com/pytorch/torchtitan/issues/128
- `torch.utils.data.DistributedSampler.set_epoch`
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.findings.rises import rises_of
from trainclinic.signals.measured import Measured
from trainclinic.signals.staircase import epoch_of_rows

NEAR = Threshold("distance from a boundary", 0.02, "epochs", "a window of rows blurs the place")
DENSE = Threshold("rows of a pass", 20, "rows", "with fewer, one row in five lies beside a boundary")


def check(run: Measured) -> Verdict:
    """Place every reported rise in its pass over the data."""
    loss = run.loss_rows
    if loss is None:
        return NotEvaluated(missing="`train/loss`")
    rises = rises_of(run)
    if not rises:
        return NotEvaluated(missing="a spike or a divergence to place")
    epoch = epoch_of_rows(run, loss)
    if epoch is None:
        return NotEvaluated(missing="the `epoch` column")
    passed = float(epoch[-1] - epoch[0])
    if passed <= 0.0 or len(loss) < DENSE.value * max(passed, 1e-9):
        return NotEvaluated(missing=f"at least {number(DENSE.value)} rows of `train/loss` in each pass")
    near, evidence = max(NEAR.value, 2.0 * passed / len(loss)), []
    places = []
    for rise in rises:
        at = float(np.interp(rise.step, loss.step, epoch))
        boundary = max(1, round(at))
        distance = abs(at - boundary)
        places.append(distance <= near)
        where = f"epoch {number(at)}, {percent(distance)} of a pass from the nearest boundary"
        says = f"{rise.says}, at {run.record.axis} {rise.step}, {where}"
        evidence.append(Evidence(says, rise.source, rise.step, rise.series))
    if any(places):
        return Present(tuple(item for item, hit in zip(evidence, places, strict=True) if hit))
    return Absent(tuple(evidence[:5]))


RULE = Rule(
    code="LOS222",
    slug="spike-at-data-boundary",
    severity=Severity.NOTE,
    needs=("train/loss", "train/epoch"),
    check=check,
    thresholds=(NEAR, DENSE),
    since="0.2",
)
