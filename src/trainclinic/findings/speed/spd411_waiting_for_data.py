"""The log itself says that most of a step is spent on waiting for its batch.

## What it sees
A printed time for the data beside the time of the step (`Time 67.6 Data 67.5`, `data_time`), which is at least half of
the step time over the run, or of the slow steps that make up most of it.

## Why it matters
The device computes in the other half only. More workers, faster storage or cheaper preparation would speed the run up
by the share that is lost.

## What it does not mean
It is no fault of the model or the device. A long first batch alone is a start-up cost and does not count.

## Example
`Time 67.619 (11.054) Data 67.544 (10.785)` in every second row.

## Check it by hand
Add up both columns and divide.

## References
- https://github.com/pytorch/examples/issues/164
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.measured import Measured

HALF = Threshold("share of the step time", 0.5, "1", "below it the device is busy for most of the time")
COSTLY = Threshold("time spent on data", 60.0, "s", "less is no loss, whatever its share of a small experiment")
FEWEST = Threshold("rows after the first", 4, "rows", "one slow row is a start-up cost")


def check(run: Measured) -> Verdict:
    """Add up the time for the data and the time of the steps."""
    data, steps = run.record.get("speed/data_seconds"), run.record.get("speed/seconds_per_step")
    if data is None or steps is None:
        return NotEvaluated(missing="the time for the data beside the time of the step")
    wait, whole = data.final().finite(), steps.final().finite()
    _, left, right = np.intersect1d(wait.step[1:], whole.step[1:], return_indices=True)
    if left.size < FEWEST.value:
        return NotEvaluated(missing=f"{FEWEST.value:g} rows with both times")
    waited, took = wait.value[1:][left], whole.value[1:][right]
    if (waited < 0).any() or (waited > 1.05 * took + 0.01).any() or took.sum() <= 0:
        return NotEvaluated(missing="a time for the data that is part of the time of the step")
    share = float(waited.sum() / took.sum())
    says = f"{number(float(waited.sum()), 3)} of {number(float(took.sum()), 3)} s, {percent(share)}, are spent on data"
    at = int(np.argmax(waited))
    evidence = Evidence(says, wait.source(1 + int(left[at])), int(wait.step[1:][left][at]), "speed/data_seconds")
    if share < HALF.value:
        return Absent((evidence,))
    return Present((evidence,), severity=None if float(waited.sum()) >= COSTLY.value else Severity.WARNING)


RULE = Rule(
    code="SPD411",
    slug="waiting-for-data",
    severity=Severity.HARMFUL,
    needs=("speed/data_seconds", "speed/seconds_per_step"),
    check=check,
    thresholds=(HALF, COSTLY, FEWEST),
    since="0.2",
)
