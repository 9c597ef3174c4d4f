"""The learning rate reaches zero at the planned end.

## What it sees
The last logged learning rates are 0, or below 1 % of the peak after a decay, and the last row lies within 2 % of the
planned last step, the planned number of passes, or the message that training is finished. Without any of these, the
rate falls to its end in the last two rows of the log.

## Why it matters
A linear or cosine schedule ends exactly so. A loss that stops falling there has run out of learning rate, not of
things to learn, and nothing is wrong with it.

## What it does not mean
It does not say that the model has converged: a longer schedule would go on. A rate that is 0 long before the plan ends
is another finding, `early-zero-learning-rate`.

## Example
`{"step": 2000, "lr": 0.0}` as the last of 2,000 planned steps, after a cosine from 2e-4.

## Check it by hand
Divide the step of the first zero by the planned steps: 1 is the planned end.

## References
- `transformers.optimization.get_cosine_schedule_with_warmup`: 0 at `num_training_steps`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured
from trainclinic.signals.position import stated
from trainclinic.signals.schedule_plan import planned_end_of

if TYPE_CHECKING:
    from trainclinic.record.series import Series

NEAR = Threshold("distance from the planned end", 0.02, "1", "last windows and short last passes are less")
LOW = Threshold("last rate over the peak", 0.01, "1", "a cosine is there in its last 6 %")
LAST_ROWS = 2


def check(run: Measured) -> Verdict:
    """Place the end of the rate against the plan."""
    series = run.record.get("train/learning_rate")
    rows = series.final().finite() if series is not None else None
    if rows is None or len(rows) < 4 or float(rows.value.max()) <= 0.0:
        return NotEvaluated(missing="four rows of `train/learning_rate`")
    peak, last = float(rows.value.max()), float(rows.value[-1])
    at = Evidence(
        f"learning rate is {number(last)} in the last row, {run.record.axis} {rows.step[-1]}, after {number(peak)}",
        rows.source(-1),
        int(rows.step[-1]),
        "train/learning_rate",
    )
    if last > LOW.value * peak or int(np.argmax(rows.value)) == len(rows) - 1:
        return Absent((at,))
    low = np.flatnonzero(rows.value > LOW.value * peak)
    begins = int(low[-1]) + 1
    where, is_end = _planned_end(run, rows, begins)
    if is_end is None:
        return NotEvaluated(missing="the planned steps or passes")
    return Present((at, Evidence(where))) if is_end else Absent((at, Evidence(where)))


def _planned_end(run: Measured, rows: Series, begins: int) -> tuple[str, bool | None]:
    """Whether the rate gets there at the planned end, with the plan in words; `None` when nothing tells."""
    step, last = int(rows.step[begins]), int(rows.step[-1])
    planned = planned_end_of(run) if run.record.axis == "step" else None
    if planned:
        slack = NEAR.value * planned + (last - int(rows.step[-2]))
        return f"{number(planned)} steps were planned", last >= planned - slack and step >= planned * 0.9 - slack
    epochs, passed = stated(run, "planned_epochs"), run.record.get("train/epoch")
    if epochs and passed is not None and len(passed.finite()):
        end = float(passed.finite().value[-1])
        return f"{number(epochs)} passes were planned, {number(end)} were made", abs(
            end - epochs
        ) <= NEAR.value * epochs
    if run.record.events_of("training-finished"):
        return "the log says that training is finished", len(rows) - begins <= max(LAST_ROWS, len(rows) // 10)
    falls = bool((np.diff(rows.value[int(np.argmax(rows.value)) :]) <= 0).all())
    if falls and len(rows) - begins <= max(LAST_ROWS, len(rows) // 10):
        return "the log ends where the rate does", True
    return "", None


RULE = Rule(
    code="SCH307",
    slug="learning-rate-zero-at-planned-end",
    severity=Severity.NOTE,
    needs=("train/learning_rate", "planned_steps", "planned_epochs"),
    check=check,
    thresholds=(NEAR, LOW),
    since="0.2",
)
