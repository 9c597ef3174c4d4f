"""A single row is orders of magnitude above its neighbours.

## What it sees
One finite row of the training loss that is at least twenty times the median of the rows around it, and more than 5 nats
above it, with at least two ordinary rows before it.

## Why it matters
No batch of text costs twenty times the usual: random tokens cost a sharp model 12-18 nats. Such a row is a broken
batch, an overflow, or a number that the logger made.

## What it does not mean
It is no evidence that the weights are ruined: look at the rows after it. When exact zeros follow, the row itself was
made by a filter that replaces non-finite losses, and what happened is that the loss became NaN.

## Example
1.2812 ... 1.3181, 34023.7906, 0.0, 0.0

## Check it by hand
Compute the loss of that batch alone, in float32. Count its labels that are not -100: a mean over one or two tokens
scatters widely.

## References
- transformers `Trainer._inner_training_loop`: `logging_nan_inf_filter` adds a running mean for non-finite losses
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.findings.loss_levels import GIANT_RATIO, GIANT_RISE
from trainclinic.record.series import Series
from trainclinic.signals.measured import Measured

BEFORE = Threshold("rows before it", 2, "rows", "a high first row is where the run began")
AROUND = 5


def check(run: Measured) -> Verdict:
    """Look for rows far beyond the scale of their neighbours."""
    loss = run.train_loss
    if run.objective.kind == "rl":
        return NotEvaluated(missing="a loss with a scale; policy losses have none")
    if loss is None or len(loss.finite()) <= BEFORE.value:
        return NotEvaluated(missing=f"more than {number(BEFORE.value)} finite rows of `train/loss`")
    finite = loss.finite()
    rows = _giants(finite)
    if not rows:
        return Absent((Evidence(f"none of {count(len(finite), 'row')} is beyond the scale of its neighbours"),))
    evidence = []
    for row in rows[:3]:
        usual = number(_usual(finite, row))
        place = f"{number(float(finite.value[row]))} at {run.record.axis} {finite.step[row]}"
        says = f"loss is {place}, its neighbours are around {usual}"
        evidence.append(Evidence(says, finite.source(row), int(finite.step[row]), "train/loss"))
    after = finite.value[rows[0] + 1 : rows[0] + 3]
    following = loss.value[loss.step > finite.step[rows[0]]][:1]
    if following.size and not bool(np.isfinite(following[0])):
        back = "finite losses come back later" if after.size else "no finite loss comes after it"
        means = f"The next row is {number(float(following[0]))}, and {back}: both rows are one event."
    elif after.size and bool(np.all(after == 0.0)):
        means = "Exact zeros follow, so the row was made by the filter of non-finite losses: the loss became NaN there."
    elif after.size:
        means = f"The next row is {number(float(after[0]))}: " + (
            "the weights were not harmed."
            if after[0] < 3 * _usual(finite, rows[0])
            else "the loss did not come back at once."
        )
    else:
        means = "It is the last row, so what came after it is not known."
    return Present(tuple(evidence), means)


def _giants(loss: Series) -> list[int]:
    value = loss.value
    ordinary = value[value > 0]
    if not ordinary.size:
        return []
    # Cheap test first: candidates are rare, and only they are compared with their neighbours.
    candidates = np.flatnonzero(value > max(GIANT_RISE.value, 4.0 * float(np.median(ordinary))))
    if candidates.size > max(20, value.size // 50):
        return []
    found = []
    for row in candidates.tolist():
        usual = _usual(loss, row)
        if row >= BEFORE.value and value[row] > GIANT_RATIO.value * usual and value[row] - usual > GIANT_RISE.value:
            found.append(row)
    return found


def _usual(loss: Series, row: int) -> float:
    """Median of the positive rows around one row; of those before it when that is less."""
    before = loss.value[max(0, row - AROUND) : row]
    around = np.r_[before, loss.value[row + 1 : row + 1 + AROUND]]
    around = around[around > 0]
    return float(np.median(around)) if around.size else float("inf")


RULE = Rule(
    code="LOS213",
    slug="isolated-giant-loss",
    severity=Severity.WARNING,
    needs=("train/loss",),
    check=check,
    thresholds=(GIANT_RATIO, GIANT_RISE, BEFORE),
)
