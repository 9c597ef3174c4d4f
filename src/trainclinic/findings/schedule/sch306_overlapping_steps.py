"""The same step numbers occur twice in the log.

## What it sees
The training loss (or, without one, the evaluation loss) goes back to steps that it had already passed, so that these
steps have two rows.

## Why it matters
Plots and averages over such a log count a stretch twice, and half of it belongs to weights that the run threw away.
Only the later pass leads to the final weights.

## What it does not mean
It is no fault of the training: a run that stopped between two checkpoints repeats the steps since the last one. Equal
rows on both sides are one pass that was written twice.

## Example
`steps 10 20 30 40 50, resume from checkpoint-30, 40 50 60`

## Check it by hand
Sort the log by line and look for the first step that is not larger than the one before it.

## References
- `transformers.Trainer`: a resumed run continues from the last complete checkpoint
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.record.series import Series
from trainclinic.signals.measured import Measured
from trainclinic.signals.resume import ResumePoint


def check(run: Measured) -> Verdict:
    """List the places where the log goes back."""
    history = run.resume
    if history is None:
        return NotEvaluated(missing="`train/loss`")
    series = run.record.series[history.series]
    points = [point for point in history.points if point.overlap is not None]
    if not points:
        return Absent((Evidence(f"each step occurs once in {count(history.rows, 'row')}", None, None, history.series),))
    evidence = tuple(_evidence(series, point) for point in points[:5])
    copies = sum(point.is_copy for point in points)
    if copies == len(points):
        means = "Both rows of each step are equal: the same pass was written twice."
    elif all(point.how == "restart" for point in points):
        means = "The log holds several runs, one after the other; the last of them is judged."
    else:
        means = "The run went back to a checkpoint; the later rows are those of the final weights."
    return Present(evidence, means=means)


def _evidence(series: Series, point: ResumePoint) -> Evidence:
    first, last = point.overlap or (point.step, point.step)
    says = f"steps {first} to {last} are logged again ({count(point.overlapping_rows, 'row')} twice)"
    return Evidence(says, series.source(point.row), point.step, series.name)


RULE = Rule(
    code="SCH306",
    slug="overlapping-steps",
    severity=Severity.NOTE,
    needs=("train/loss",),
    check=check,
)
