"""The learning rate reaches zero long before the planned end.

## What it sees
Rows of `train/learning_rate` that are exactly 0 from some step on, while more than a tenth of the planned (or logged)
steps still follow; or a learning rate that is 0 in every row.

## Why it matters
At learning rate 0 nothing is learned: all later steps cost time and change no weight, and the run stops improving at
the step where the schedule ended.

## What it does not mean
A zero in the very last rows is the planned end of a linear or cosine schedule. A zero in the first row is the beginning
of a warm-up. A flat loss after the zero is no plateau of the model.

## Example
`planned 1,000 steps; {"step": 250, "learning_rate": 0.0}, {"step": 300, "learning_rate": 0.0} ...`

## Check it by hand
Divide the planned steps by the step of the first zero. A whole number is the number of schedule steps per optimizer
step: one per micro-batch gives the accumulation, one per process the number of devices.

## References
- `transformers.optimization.get_linear_schedule_with_warmup`: the multiplier is clamped at 0 after the last step
- https://github.com/huggingface/transformers/issues/24088
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number, percent
from trainclinic.record.series import Series
from trainclinic.signals.measured import Measured
from trainclinic.signals.schedule_plan import planned_end_of

EARLY = Threshold("share of the steps after the zero", 0.1, "1", "a last logging window or a short last epoch is less")
SHARP = Threshold("factor", 0.05, "1", "planned steps over the first zero must be whole: the log interval blurs it")
DIGITS = Threshold("half a printed unit", 1e-7, "1", "below any rate in use; a rate shown as 0.0000 may be 2e-5")


def check(run: Measured) -> Verdict:
    """Find the first of the zeros that last to the end of the log."""
    series = run.record.get("train/learning_rate")
    if series is None:
        return NotEvaluated(missing="`train/learning_rate`")
    rows = series.final().finite()
    if len(rows) < 3:
        return NotEvaluated(missing="three rows of `train/learning_rate`")
    if rows.value[-1] != 0.0:
        return Absent((_says(rows, len(rows) - 1, f"learning rate is {number(rows.value[-1])} in the last row"),))
    if rows.printed.kind == "fixed" and rows.half_unit()[-1] > DIGITS.value:
        return NotEvaluated(missing="`train/learning_rate` with more digits: a zero of so few may be a small number")
    if not (rows.value > 0).any():
        return Present((_says(rows, 0, f"learning rate is 0 in all {count(len(rows), 'row')}"),))
    first = int(np.flatnonzero(rows.value > 0)[-1]) + 1
    begin, end = int(rows.step[first]), int(rows.step[-1])
    planned = planned_end_of(run) if run.record.axis == "step" else None
    last = max(planned or 0.0, float(end))
    if begin > (1 - EARLY.value) * last or first + 1 >= len(rows):
        return Absent((_says(rows, first, f"learning rate reaches 0 at step {begin} of {number(last)}"),))
    return _present(rows, first, planned, last)


def _present(rows: Series, first: int, planned: float | None, last: float) -> Present:
    begin = int(rows.step[first])
    rest = percent(1 - begin / last)
    evidence = _says(
        rows, first, f"learning rate is 0 from step {begin} on, with {rest} of {number(last)} steps still to come"
    )
    means = f"The last {rest} of the steps change nothing."
    factor = planned / begin if planned else 0.0
    previous = int(rows.step[first - 1])
    whole = round(factor)
    if planned and whole >= 2 and planned / whole <= begin * (1 + SHARP.value) and planned / whole > previous:
        says = f"{number(planned)} planned steps over step {begin} is {whole}: the schedule ran {whole} times as fast"
        return Present((evidence, _says(rows, first, says)), means=means)
    return Present((evidence,), means=means, severity=Severity.WARNING)


def _says(rows: Series, row: int, says: str) -> Evidence:
    return Evidence(says, rows.source(row), int(rows.step[row]), "train/learning_rate")


RULE = Rule(
    code="SCH301",
    slug="early-zero-learning-rate",
    severity=Severity.HARMFUL,
    needs=("train/learning_rate", "planned_steps"),
    check=check,
    thresholds=(EARLY, SHARP, DIGITS),
)
