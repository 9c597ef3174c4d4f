"""The step-to-step noise of the loss is large against its trend.

## What it sees
The robust scatter of neighbouring rows is more than 15 % of the level at the end, or larger than everything that the
run gained.

## Why it matters
Single rows say nothing, and neither do comparisons of a last row with a lowest one. Small improvements cannot be seen.

## What it does not mean
It does not mean that the batch is too small or the learning rate too high: rows of short answers scatter widely at any
setting, and a smoothed curve may fall perfectly well.

## Example
Rows between 1.3 and 2.2 around a level of 1.7, logged at every step with one sequence per batch.

## Check it by hand
Log the mean over more steps and look again.

## References
- Noise from differences of neighbours: 1.4826 MAD(diff) / sqrt(2), which a trend does not widen
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.findings.loss_levels import curve, evidence_at, no_course
from trainclinic.signals.binning import noise_sd
from trainclinic.signals.measured import Measured

ROWS = Threshold("rows", 20, "rows", "half of them must suffice for a scatter")
LEVEL_SHARE = Threshold("scatter over the level", 0.15, "1", "windows of ten steps scatter by 2-6 % in ordinary runs")
GAIN_SHARE = Threshold("scatter over the gain", 1.0, "1", "more noise than progress")
LEAST_SHARE = Threshold(
    "scatter over the level, beside the gain", 0.02, "1", "below that a flat run only looks as if noise hid its gain"
)
NEAR_NOTHING = Threshold("level", 0.05, "nats", "near zero every batch is large against the level")


def check(run: Measured) -> Verdict:
    """Compare the scatter of the second half of the run with its level and gain."""
    if refusal := no_course(run, int(ROWS.value)):
        return refusal
    trend, series = run.trend, curve(run)
    if trend is None or series is None:
        return Absent()
    noise = noise_sd(series.value[len(series) // 2 :])
    gain = max(trend.fall, 0.0)
    share = f", {percent(noise / trend.last)} of it" if trend.last > 0 else ""
    says = f"rows scatter by {number(noise, 2)} (1 sd) around {number(trend.last)}{share}"
    wide = noise > LEVEL_SHARE.value * abs(trend.last)
    buried = noise > GAIN_SHARE.value * gain and noise > LEAST_SHARE.value * abs(trend.last)
    if trend.last < NEAR_NOTHING.value or not (wide or buried):
        return Absent((Evidence(says),))
    evidence = evidence_at(series, int(series.step[len(series) // 2]), says)
    means = "Judge this run by smoothed levels only" + (": its noise is larger than its gain." if buried else ".")
    return Present((evidence,), means)


RULE = Rule(
    code="LOS217",
    slug="noisy-loss",
    severity=Severity.NOTE,
    needs=("train/loss",),
    check=check,
    thresholds=(ROWS, LEVEL_SHARE, GAIN_SHARE, LEAST_SHARE, NEAR_NOTHING),
)
