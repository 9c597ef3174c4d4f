"""The training loss repeats a pattern with a fixed period.

## What it sees
The autocorrelation of the detrended loss has a peak of at least 0.35 and four standard errors at some number of rows,
seen four times or more, and the folded pattern is higher than the scatter around it.

## Why it matters
The order of the data is not random: the same batches come in the same order, or batches are sorted. The loss of a
single row then says where in the pattern it stands, not how good the model is.

## What it does not mean
It does not mean that training is unstable. Batches grouped by length make such a pattern by design.

## Example
A period of 28 rows with correlation 0.98: a small set that is read in the same order in every pass.

## Check it by hand
Compare the period with the number of steps of one pass. Equal: the data is not shuffled anew in each pass.

## References
- Box and Jenkins: autocorrelation of white noise has standard error 1/sqrt(n)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import evidence_at
from trainclinic.signals.measured import Measured
from trainclinic.signals.periodicity import FEWEST_PERIODS, FEWEST_ROWS, PEAK, Periodicity

ROWS = Threshold("rows", FEWEST_ROWS, "rows", "fewer leave correlations of 0.3 to chance")
CORRELATION = Threshold("correlation at the period", PEAK, "1", "and four standard errors, because many lags are tried")
PERIODS = Threshold("repetitions", FEWEST_PERIODS, "1", "a pattern seen three times may be chance")
HEIGHT = Threshold("height over the scatter", 1.0, "1", "a pattern below the noise explains nothing")
EPOCH_MATCH = 0.03


def check(run: Measured) -> Verdict:
    """Look for a repeated pattern."""
    loss = run.loss_rows
    if run.objective.kind == "rl":
        return NotEvaluated(missing="a loss that is meant to fall; judge a policy by its reward")
    if loss is None or len(loss) < ROWS.value:
        return NotEvaluated(missing=f"at least {number(ROWS.value)} rows of `train/loss`")
    found = run.periodicity
    if found is None or found.height < HEIGHT.value * found.noise:
        return Absent()
    says = (
        f"pattern of {number(found.height, 2)} nats every {number(found.period_steps)} {run.record.axis}s, "
        f"correlation {number(found.correlation, 2)}, seen {found.periods} times"
    )
    evidence = evidence_at(loss, int(loss.step[-1] - found.periods * found.period_steps), says)
    return Present((evidence,), _means(run, found))


def _means(run: Measured, found: Periodicity) -> str:
    stairs = run.staircase
    if stairs is not None and abs(found.period_steps / stairs.steps_per_epoch - 1.0) < EPOCH_MATCH:
        if any(boundary.is_step for boundary in stairs.boundaries):
            return (
                "The period is one pass over the data. The drop at the start of each pass makes such a pattern, and so "
                "do rows that come in the same order each time."
            )
        return "The period is one pass over the data: the rows come in the same order each time."
    return "Something recurs: batches of different difficulty in a fixed order, or a printed mean that starts anew."


RULE = Rule(
    code="LOS216",
    slug="periodic-loss-pattern",
    severity=Severity.NOTE,
    needs=("train/loss",),
    check=check,
    thresholds=(ROWS, CORRELATION, PERIODS, HEIGHT),
)
