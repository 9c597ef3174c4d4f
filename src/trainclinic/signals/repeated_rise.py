"""Does a loss that went up go up again after a resume from before the rise?

Two passes over the same steps are compared: where each of them leaves the level of the resume for good. This module
measures places; whether the data came in the same order is not in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.resume import ResumePoint

RISEN = 1.25
"""A loss a quarter above the level of the resume has left it: wobbling runs do not get there."""
FEWEST_ROWS = 3


@dataclass(frozen=True, slots=True)
class RepeatedRise:
    """One resume from before a rise.

    Attributes:
        resume_step: First step of the second pass.
        level: Loss at the resume.
        first_step: Step at which the first pass left it for good.
        again_step: Step at which the second pass did, or `None` when it stays.
        last_step: Last step of the second pass.
        row: Row of the step in which the second pass is told (all segments).
    """

    resume_step: int
    level: float
    first_step: int
    again_step: int | None
    last_step: int
    row: int


def repeated_rises_of(run: Measured) -> tuple[RepeatedRise, ...]:
    """Every resume that goes back to before a rise, and whose second pass goes beyond where the first one rose."""
    history = run.resume
    if history is None or history.series != "train/loss":
        return ()
    series = run.record.series[history.series]
    found = [_compare(series, point) for point in history.points if point.how == "overlap" and not point.is_copy]
    return tuple(item for item in found if item is not None)


def _compare(series: Series, point: ResumePoint) -> RepeatedRise | None:
    number = int(series.segment[point.row])
    before = series.where((series.segment < number) & (series.step >= point.step)).final().finite()
    again = series.where(series.segment == number).finite()
    limit = RISEN * point.before
    if min(len(before), len(again)) < FEWEST_ROWS or not point.before > 0.0 or point.after > limit:
        return None
    left, left_again = _leaves(before, limit), _leaves(again, limit)
    if left is None:
        return None
    step = int(before.step[left])
    if left_again is None and int(again.step[-1]) <= step:
        return None
    row = left_again if left_again is not None else len(again) - 1
    return RepeatedRise(
        resume_step=point.step,
        level=point.before,
        first_step=step,
        again_step=None if left_again is None else int(again.step[left_again]),
        last_step=int(again.step[-1]),
        row=point.row + row,
    )


def _leaves(series: Series, limit: float) -> int | None:
    """The first row from which all are above `limit`, two at least; `None` when the last rows are not."""
    low = np.flatnonzero(series.value <= limit)
    begin = int(low[-1]) + 1 if low.size else 0
    return begin if len(series) - begin >= 2 else None
