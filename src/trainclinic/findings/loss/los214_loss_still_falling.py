"""The loss is still falling at the end of the log.

## What it sees
The slope of the last fifth of the run (30 points at least) is below zero beyond its error, which accounts for
correlated rows, and another stretch of that length would gain at least 1 % of the level. The learning rate is not yet
at its end.

## Why it matters
The run was stopped, or planned to stop, before it had got what it could.

## What it does not mean
It does not mean that training longer makes a better model: a training loss also falls while rows are learned by heart.
The evaluation loss decides that. It is not a fault.

## Example
A slope of -0.021 nats per 100 steps over the last 400 steps, with a standard error of 0.004.

## Check it by hand
Plot the evaluation loss of the same stretch.

## References
- Effective sample size under AR(1): n (1 - phi) / (1 + phi); size 0.05-0.08 at nominal 0.05 (measured)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import curve, evidence_at, no_course
from trainclinic.signals.measured import Measured
from trainclinic.signals.slope import FEWEST_ROWS
from trainclinic.signals.trend import END_SHARE, SIGNIFICANT

ROWS = Threshold("rows", FEWEST_ROWS, "rows", "fewer do not give an error of the slope")
P_VALUE = Threshold("one-sided p", SIGNIFICANT, "1", "usual; its true size is 0.05-0.08 for correlated rows")
GAIN = Threshold("gain of another such stretch", 0.01, "1", "a significant slope of a long log may be negligible")
RATE_LEFT = Threshold("learning rate over its peak", 0.02, "1", "below that the schedule has ended")


def check(run: Measured) -> Verdict:
    """Test the slope at the end."""
    if refusal := no_course(run, int(ROWS.value)):
        return refusal
    trend, series = run.trend, curve(run)
    if trend is None or series is None or trend.slope is None:
        return NotEvaluated(missing=f"at least {number(ROWS.value)} rows of `train/loss`")
    slope = trend.slope
    span = END_SHARE * (trend.last_step - trend.first_step)
    per_hundred = 100.0 * slope.per_step
    unit = f"per 100 {run.record.axis}s"
    says = f"slope at the end is {number(per_hundred, 2)} {unit}, standard error {number(100 * slope.error, 2)}"
    gain = -slope.per_step * span
    if trend.end != "falling" or gain < GAIN.value * abs(trend.last):
        least = f"; falls below {number(100 * slope.detectable, 2)} {unit} could not be seen"
        return Absent((Evidence(says + (least if trend.end == "undetermined" else "")),))
    left = _rate_left(run)
    if left is not None and left < RATE_LEFT.value:
        return Absent((Evidence(f"{says}; the learning rate has ended"),))
    begin = int(trend.last_step - span)
    means = f"As many steps again as the last fifth would gain about {number(gain, 2)} nats."
    return Present((evidence_at(series, begin, says),), means, "Look whether the evaluation loss still falls too")


def _rate_left(run: Measured) -> float | None:
    rate = run.record.get("train/learning_rate")
    rate = rate.final().finite() if rate is not None else None
    if rate is None or not len(rate) or float(rate.value.max()) <= 0:
        return None
    return float(rate.value[-1]) / float(rate.value.max())


RULE = Rule(
    code="LOS214",
    slug="loss-still-falling",
    severity=Severity.NOTE,
    needs=("train/loss", "train/learning_rate"),
    check=check,
    thresholds=(ROWS, P_VALUE, GAIN, RATE_LEFT),
)
