"""What the learning rate does where a log goes on from a checkpoint: goes on, starts again, warms up again, or is 0.

The rate beside the first row after each resume is compared with the one beside the last row before it. A schedule that
was restored gives neighbouring values. This module knows the column; it does not know which object lost its state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.alignment import values_at

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.resume import ResumePoint

Change = Literal["goes-on", "back-up", "warm-up-again", "zero"]

RISEN = 1.05
"""A rate that had begun to fall and stands 5 % higher after a resume is not the next value of its schedule."""
BEGUN = 0.98
"""A rate below this share of the highest before it has begun to fall."""
DROPPED = 0.5
"""A second warm-up begins below half the rate that was reached, and rises again from there."""
STEADY_ROWS = 3


@dataclass(frozen=True, slots=True)
class RateAtResume:
    """The learning rate around one resume.

    Attributes:
        step: First step after the resume.
        before: Last rate before it (of the earlier pass at that place, where the resume goes back).
        after: First rate after it.
        change: `goes-on`; `back-up` (higher, after it had begun to fall); `warm-up-again` (far lower, then rising);
            `zero` (exactly 0 from there on).
        source: Where the first rate after it was read.
    """

    step: int
    before: float
    after: float
    change: Change
    source: Source


def rates_at_resumes(run: Measured) -> tuple[RateAtResume, ...] | None:
    """The rate at every resume of the log; `None` without a resume or without a logged rate around one."""
    column, history = run.record.get("train/learning_rate"), run.resume
    rate = column.finite() if column is not None else None
    if rate is None or not len(rate) or history is None:
        return None
    logged = run.record.series[history.series]
    points = [point for point in history.points if point.is_real]
    found = [_around(run, rate, logged, point) for point in points]
    return tuple(item for item in found if item is not None) or None


def _around(run: Measured, rate: Series, logged: Series, point: ResumePoint) -> RateAtResume | None:
    """Pick the rates of the rows before and after a resume, by place in the file."""
    row = _first_from(rate, logged, point.row)
    if row is None or row == 0:
        return None
    earlier, later = rate.value[:row], rate.value[row:]
    before = _at_same_place(run, rate, row)
    if before is None:
        before = float(earlier[-1])
    after = float(later[0])
    if not np.isfinite([before, after]).all():
        return None
    return RateAtResume(point.step, before, after, _change(earlier, before, later), rate.source(row))


def _at_same_place(run: Measured, rate: Series, row: int) -> float | None:
    """The rate of the earlier pass where the resume goes back to, by step or by epoch; `None` when it goes on."""
    passed = rate.where(np.arange(len(rate)) < row).final()
    place, at = passed.step.astype(np.float64), float(rate.step[row])
    epoch = run.record.get("train/epoch")
    if run.record.axis == "row" and epoch is not None:
        told, logged = values_at(epoch, rate.step)
        if not bool((logged & np.isfinite(told)).all()):
            return None
        place, at = told[:row], float(told[row])
    if not place[0] <= at <= place[-1] or bool((np.diff(place) < 0).any()):
        return None
    return float(np.interp(at, place, passed.value))


def _first_from(rate: Series, logged: Series, row: int) -> int | None:
    """The first row of the rate at or after a row of the loss."""
    name = logged.files[int(logged.file[row])]
    if name not in rate.files:
        return None
    same = (rate.file == rate.files.index(name)) & (rate.segment == logged.segment[row])
    if int(logged.line[row]) > 0:
        same &= rate.line >= logged.line[row]
    else:
        same &= rate.step >= logged.step[row]
    rows = np.flatnonzero(same)
    return int(rows[0]) if rows.size else None


def _change(
    earlier: np.ndarray[tuple[int], np.dtype[np.float64]],
    before: float,
    later: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> Change:
    after, top = float(later[0]), float(np.nanmax(earlier))
    if before > 0.0 and not later[:STEADY_ROWS].any():
        return "zero"
    falling = before < BEGUN * top or (earlier.size >= 2 and earlier[-1] < earlier[-2])
    if falling and after > RISEN * before:
        return "back-up"
    rises = later.size >= STEADY_ROWS and bool((np.diff(later[:STEADY_ROWS]) > 0).all())
    warm = earlier.size >= STEADY_ROWS and bool((np.diff(earlier[-STEADY_ROWS:]) > 0).all())
    if after < DROPPED * before and rises and not warm:
        return "warm-up-again"
    return "goes-on"
