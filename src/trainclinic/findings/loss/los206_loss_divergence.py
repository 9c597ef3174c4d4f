"""The loss rises and does not return.

## What it sees
The level at the end (median of the last tenth of the rows) lies above the best smoothed level by more than half of
everything that was gained, by more than a tenth of the first level, and by more than noise reaches; or every row of the
end lies clearly above the first level.

## Why it matters
What was learned is being lost. The last checkpoint is worse than an earlier one, and going on does not help.

## What it does not mean
It does not say that the learning rate is too high, although that is one way to get here. It is not overfitting either:
there the training loss keeps falling while the evaluation loss rises.

## Example
Loss 10.96 at the start, 3.02 at step 18,000, 7.47 at step 24,000.

## Check it by hand
Evaluate the checkpoint nearest to the best level and the last one on the same data.

## References
- Comparing the last row with the minimum gives 30 % false alarms; smoothed levels avoid them (measured)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.findings.loss_levels import curve, evidence_at, no_course
from trainclinic.findings.rises import (
    CLEAR_NOISE,
    DIVERGENCE_ROWS,
    GAIN_LOST,
    NO_GAIN_SHARE,
    NOISE,
    RISE_SHARE,
    SURE_SHARE,
    diverges,
)
from trainclinic.signals.measured import Measured
from trainclinic.signals.reference_losses import vocabulary_at

ROWS = Threshold("rows", DIVERGENCE_ROWS, "rows", "three for the best level and three for the end")


def check(run: Measured) -> Verdict:
    """Compare the level at the end with the best one."""
    if refusal := no_course(run, int(ROWS.value)):
        return refusal
    trend, series = run.trend, curve(run)
    if trend is None or series is None:
        return Absent()
    top = max(trend.first, trend.start)
    rise = trend.last - trend.best
    gained = max(top - trend.best, 0.0)
    best = f"{number(trend.best)} at {run.record.axis} {trend.best_step}"
    says = f"loss ends at {number(trend.last)}, the best level was {best}"
    if not diverges(trend, series):
        lost = f": {percent(rise / gained)} of the gain is lost" if gained > 0 and rise > trend.noise else ""
        return Absent((Evidence(f"{says}{lost}"),))
    lost = (
        f"{percent(rise / gained)} of the gain since {number(top)} is lost"
        if gained > 0
        else "no level below the first was ever held"
    )
    evidence: tuple[Evidence, ...] = (
        evidence_at(series, trend.last_step, says),
        evidence_at(series, trend.best_step, f"{lost}; the last good level was here"),
    )
    guessing = vocabulary_at(trend.last) if run.objective.is_language_model is not False else None
    if guessing is not None:
        ends = f"the level at the end is ln of {guessing:,} tokens: every token is guessed alike"
        evidence = (*evidence, evidence_at(series, trend.last_step, ends))
    means = "The last weights are worse than earlier ones, and the log shows no return."
    good = "the starting model" if gained <= 0 else f"the last checkpoint before {run.record.axis} {trend.best_step}"
    settle = f"Evaluate {good} and the final one on the same data"
    return Present(evidence, means, settle, severity=None if rise > SURE_SHARE.value * abs(top) else Severity.WARNING)


RULE = Rule(
    code="LOS206",
    slug="loss-divergence",
    severity=Severity.HARMFUL,
    needs=("train/loss",),
    check=check,
    thresholds=(ROWS, GAIN_LOST, RISE_SHARE, SURE_SHARE, NO_GAIN_SHARE, NOISE, CLEAR_NOISE),
)
