"""Where a log goes back or goes on from a checkpoint, and what the loss does there.

A resume shows as steps that were logged before, as a message, or as a first step that is far from zero. The loss after
it is compared with the earlier pass at the same steps where there is one, else with the rows just before. This module
does not know what was restored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.position import stated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

    Floats = NDArray[np.float64]

How = Literal["overlap", "message", "next-file", "restart"]
COMPARED_ROWS = 10
RECOVERY_ROWS = 60
NEAR_ROWS = 3
FEWEST_NOISE_ROWS = 4
MOST_PASSES = 50
"""A log with more passes is not a resumed run but a table of something else."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """One place where a log goes on from earlier weights.

    Attributes:
        step: First step logged after it.
        row: Row of that step in the loss series (all segments).
        announced: Whether a message of the log says that it goes on from a checkpoint there.
        how: `overlap` when steps are logged again, `message` when the log says so, `next-file` when the log goes on in
            another file, `restart` when it goes back to its very first step (a new run rather than a resume).
        overlap: First and last step that are in both passes, or `None`.
        overlapping_rows: Number of rows in both passes.
        is_copy: Whether all overlapping rows are equal: the same rows twice, not a second pass.
        before: Loss expected there: the earlier pass at the same steps, else the median of the rows before.
        after: First loss after it.
        settled: Median loss of the first rows after it (up to ten).
        settled_difference: Median difference to the earlier pass over up to ten common steps; `None` without overlap.
        noise: Robust standard deviation of single rows around the resume, 0 when it cannot be told.
        rows_to_recover: Rows until the loss is back within two noise units of `before`, `None` when it is not within
            60.
        first_loss: First loss of the log, the level of a model that learned nothing.
    """

    step: int
    row: int
    announced: bool
    how: How
    overlap: tuple[int, int] | None
    overlapping_rows: int
    is_copy: bool
    before: float
    after: float
    settled: float
    settled_difference: float | None
    noise: float
    rows_to_recover: int | None
    first_loss: float

    @property
    def is_real(self) -> bool:
        """Whether training went on there: rows that stand twice are a copy, a start without a message is a new run."""
        return not self.is_copy and (self.how != "restart" or self.announced)

    @property
    def jump(self) -> float:
        """Rise of the loss at the first row; negative for a dip."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class ResumeHistory:
    """All resumes of a run.

    Attributes:
        series: Name of the series that was looked at.
        points: In the order of the log.
        start_step: First logged step when the log itself begins as the continuation of another, else `None`.
        overlapping_rows: Rows whose step occurs in an earlier pass.
        rows: All rows of the series.
    """

    series: str
    points: tuple[ResumePoint, ...]
    start_step: int | None
    overlapping_rows: int
    rows: int


@np.errstate(all="ignore")
def resume_of(run: Measured) -> ResumeHistory | None:
    """Find the resumes of a run; `None` when no loss was logged."""
    for name in ("train/loss", "eval/loss", "train/learning_rate"):
        series = run.record.get(name)
        if series is not None and len(series) > 1:
            return _history(run, name, series)
    return None


def _history(run: Measured, name: str, series: Series) -> ResumeHistory:
    passes = range(1, min(int(series.segment.max()), MOST_PASSES) + 1)
    told: dict[int, How] = dict.fromkeys(_first_rows_of_next_files(series), "next-file")
    told |= dict.fromkeys(_rows_after_messages(run, series), "message")
    points = [point for number in passes if (point := _overlap(series, number))]
    known = {point.row for point in points}
    points = [replace(point, announced=told.get(point.row) == "message") for point in points]
    points += [
        _point(series, row, how, None, 0, is_copy=False, earlier=None)
        for row, how in told.items()
        if row not in known and 0 < row < len(series)
    ]
    points.sort(key=lambda point: point.row)
    return ResumeHistory(name, tuple(points), _start(run, series), sum(p.overlapping_rows for p in points), len(series))


def _overlap(series: Series, number: int) -> ResumePoint | None:
    rows = np.flatnonzero(series.segment == number)
    if not rows.size:
        return None
    earlier = series.where(series.segment < number).final()
    common, left, right = np.intersect1d(earlier.step, series.step[rows], return_indices=True)
    span = (int(common[0]), int(common[-1])) if common.size else None
    old, new = earlier.value[left], series.value[rows][right]
    copy = bool(common.size) and bool(np.array_equal(old, new, equal_nan=True))
    how: How = "restart" if series.step[rows[0]] <= series.step[0] and not copy else "overlap"
    pairs = (old, new) if common.size else None
    return _point(series, int(rows[0]), how, span, int(common.size), is_copy=copy, earlier=pairs)


def _point(
    series: Series,
    row: int,
    how: How,
    span: tuple[int, int] | None,
    count: int,
    *,
    is_copy: bool,
    earlier: tuple[Floats, Floats] | None,
) -> ResumePoint:
    back = series.where(np.arange(len(series)) < row).final()
    preceding = back.where(back.step < series.step[row]).value if how in {"overlap", "restart"} else back.value
    preceding = _finite(preceding)[-COMPARED_ROWS:]
    following = _finite(
        series.value[row : row + COMPARED_ROWS][series.segment[row : row + COMPARED_ROWS] == series.segment[row]]
    )
    noise = _noise(preceding, following)
    difference = None
    before = float(np.median(preceding[-NEAR_ROWS:])) if preceding.size else float("nan")
    if earlier is not None:
        old, new = (column[:COMPARED_ROWS] for column in earlier)
        both = np.isfinite(old) & np.isfinite(new)
        if both.any():
            difference = float(np.median((new - old)[both]))
            before = float(np.median(old[both][:NEAR_ROWS]))
    after = float(following[0]) if following.size else float("nan")
    same = series.segment[row : row + RECOVERY_ROWS] == series.segment[row]
    within = np.flatnonzero(
        series.value[row : row + RECOVERY_ROWS][same] <= before + 2 * max(noise, 0.01 * abs(before))
    )
    finite = _finite(series.value)
    return ResumePoint(
        step=int(series.step[row]),
        row=row,
        announced=how == "message",
        how=how,
        overlap=span,
        overlapping_rows=count,
        is_copy=is_copy,
        before=before,
        after=after,
        settled=float(np.median(following)) if following.size else float("nan"),
        settled_difference=difference,
        noise=noise,
        rows_to_recover=int(within[0]) if within.size else None,
        first_loss=float(finite[0]) if finite.size else float("nan"),
    )


def _finite(values: Floats) -> Floats:
    return np.asarray(values[np.isfinite(values)])


def _noise(preceding: Floats, following: Floats) -> float:
    """Standard deviation of a row from the differences of neighbours on one side, robust; 0 for too few rows."""
    side = preceding if preceding.size >= FEWEST_NOISE_ROWS else following[1:]
    if side.size < FEWEST_NOISE_ROWS:
        return 0.0
    steps = np.diff(side)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2.0))


def _rows_after_messages(run: Measured, series: Series) -> list[int]:
    """First row logged after each message of a resume: by line in the same file, else by the step it names."""
    rows = []
    for event in run.record.events_of("resume"):
        if event.source.line is not None and event.source.path in series.files:
            file = series.files.index(event.source.path)
            later = np.flatnonzero((series.file == file) & (series.line > event.source.line))
        elif event.step is not None and run.record.axis == "step":
            later = np.flatnonzero((series.segment == series.segment[-1]) & (series.step > event.step))
        else:
            continue
        rows += [int(later[0])] if later.size else []
    return list(dict.fromkeys(rows))


def _first_rows_of_next_files(series: Series) -> list[int]:
    """Rows at which one file ends and the next one goes on; files whose rows alternate are no continuation."""
    changes = np.flatnonzero(np.diff(series.file) != 0) + 1
    return changes.tolist() if changes.size < len(series.files) else []


def _start(run: Measured, series: Series) -> int | None:
    """First step when it lies further from 0 than ten logging intervals: the log continues an earlier one."""
    configured = stated(run, "start_step")
    if configured:
        return int(configured)
    steps = series.step[series.segment == 0]
    if run.record.axis != "step" or steps.size < 2:
        return None
    return int(steps[0]) if steps[0] > 10 * int(np.median(np.diff(steps))) else None
