"""The learning rate jumps where no schedule does.

## What it sees
A rise of the learning rate after it had already fallen, a drop inside a smooth decay, or a drop by 30 % of the peak
from which the rate climbs again, that no known schedule (warm-up, linear, cosine, polynomial, inverse square root,
restarts, step decay) passes through; a single row far off between two that agree; also a resume after which the same
step has another learning rate than before.

## Why it matters
The schedule was restarted, skipped ahead or edited while the run went on. A second peak can undo what the decay had
settled; a drop to the floor ends the learning early.

## What it does not mean
Warm restarts, step decay and the flat rows of skipped float16 steps are schedules or their known deviations, not jumps.
A jump says nothing about the weights: they may have been restored correctly.

## Example
`1e-4, 9e-5, 8e-5, then 1e-4 again at the row after a resume`

## Check it by hand
Plot the learning rate alone. Compare the value after the jump with the value at step 0 of the schedule.

## References
- `torch.optim.lr_scheduler`: a scheduler without its own `state_dict` starts again at its first step
- https://github.com/huggingface/transformers/issues/23099
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.record.series import Series
from trainclinic.signals.measured import Measured

SIZE = Threshold("jump over the peak", 0.05, "1", "skipped steps and rounding move a rate by far less")
ALONE = Threshold(
    "jump over its neighbours", 5.0, "1", "a steep part of a smooth curve changes by alike amounts in a row"
)
FALLEN = Threshold("rate over the peak", 0.95, "1", "a rise counts as a jump only after the decay has begun")
ANEW = Threshold(
    "drop over the peak, with a rise after it", 0.3, "1", "schedules that rise again fall in steps of rows"
)
AGAIN = Threshold("difference at the same step", 0.02, "1", "the row that a resume logs can be one step off")
FEWEST = 6


def check(run: Measured) -> Verdict:
    """Look for jumps, unless one schedule explains every row."""
    series = run.record.get("train/learning_rate")
    if series is None:
        return NotEvaluated(missing="`train/learning_rate`")
    found = list(_at_resumes(run, series))
    rows = series.final().finite()
    fit = run.schedule
    if fit is None or not fit.solutions:
        if len(rows) < FEWEST and not found:
            return NotEvaluated(missing=f"{FEWEST} rows of `train/learning_rate`")
        told = {evidence.step for evidence in found}
        found += [evidence for evidence in _inside(rows, run.record.axis) if evidence.step not in told]
    if found:
        return Present(tuple(found[:5]))
    if fit is not None and fit.best is not None:
        says = f"all {count(fit.rows, 'row')} lie on one schedule: {fit.best.name}"
        return Absent((Evidence(says, None, None, "train/learning_rate"),))
    return Absent((Evidence(f"no jump in {count(len(rows), 'row')}", None, None, "train/learning_rate"),))


def _at_resumes(run: Measured, series: Series) -> Iterator[Evidence]:
    """The same step before and after a resume, with two learning rates."""
    restarts = {p.step for p in run.resume.points if p.how == "restart"} if run.resume is not None else set()
    for number_of_pass in range(1, min(int(series.segment.max()), 20) + 1):
        later = series.where(series.segment == number_of_pass)
        earlier = series.where(series.segment < number_of_pass).final()
        if not len(later) or not len(earlier) or later.step[0] <= series.step[0] or int(later.step[0]) in restarts:
            continue
        old, new = float(np.interp(later.step[0], earlier.step, earlier.value)), float(later.value[0])
        if abs(new - old) > max(AGAIN.value * float(series.value.max()), 2 * float(series.half_unit().max())):
            says = f"learning rate at step {later.step[0]} is {number(new)}, the earlier pass had {number(old)} there"
            yield Evidence(says, later.source(0), int(later.step[0]), "train/learning_rate")


def _inside(rows: Series, axis: str) -> Iterator[Evidence]:
    """Rises after a fall, and single drops of a smooth curve."""
    change = np.diff(rows.value)
    if change.size < FEWEST - 1 or not rows.value.max() > 0:
        return
    top = float(rows.value.max())
    around = np.maximum(np.abs(np.concatenate(([0.0], change[:-1]))), np.abs(np.concatenate((change[1:], [0.0]))))
    alone = np.abs(change) > np.maximum(ALONE.value * around, SIZE.value * top)
    fallen = rows.value[:-1] < FALLEN.value * np.maximum.accumulate(rows.value)[:-1]
    following = np.concatenate((change[1:], [0.0]))
    smooth = (np.concatenate(([0.0], change[:-1])) < 0) & (following < 0)
    anew = (change < -ANEW.value * top) & (following > 0)  # a second warm-up
    yield from _lone_rows(rows, axis, top)
    for row in np.flatnonzero(alone & ((fallen & (change > 0)) | (smooth & (change < 0)) | anew)).tolist():
        before, after = rows.value[row], rows.value[row + 1]
        says = (
            f"learning rate goes from {number(before)} at {axis} {rows.step[row]} to {number(after)} "
            f"at {axis} {rows.step[row + 1]}"
        )
        yield Evidence(says, rows.source(row + 1), int(rows.step[row + 1]), "train/learning_rate")


def _lone_rows(rows: Series, axis: str, top: float) -> Iterator[Evidence]:
    """Single rows far off between two neighbours that agree."""
    middle = 0.5 * (rows.value[:-2] + rows.value[2:])
    off = np.abs(rows.value[1:-1] - middle)
    between = np.abs(rows.value[2:] - rows.value[:-2])
    for row in (np.flatnonzero(off > np.maximum(ALONE.value * between, SIZE.value * top)) + 1).tolist():
        says = (
            f"learning rate is {number(rows.value[row])} at {axis} {rows.step[row]} alone, "
            f"{number(rows.value[row - 1])} before and {number(rows.value[row + 1])} after it"
        )
        yield Evidence(says, rows.source(row), int(rows.step[row]), "train/learning_rate")


RULE = Rule(
    code="SCH302",
    slug="learning-rate-discontinuity",
    severity=Severity.WARNING,
    needs=("train/learning_rate",),
    check=check,
    thresholds=(SIZE, ALONE, AGAIN, ANEW, FALLEN),
)
