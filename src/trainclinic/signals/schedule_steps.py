"""Schedules made of levels or cycles, and DeepSpeed's logarithmic warm-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.schedule_rows import Rows, round_between
from trainclinic.signals.schedule_search import Hints, Solution, fits, oddity, search
from trainclinic.signals.schedule_shapes import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_LEVELS = 12
FEWEST_ROWS_A_LEVEL = 3


def step_decay(rows: Rows) -> list[Solution]:
    """Constant levels, each lower than the one before by the same factor (within the printed digits).

    The step of each drop is known only to lie between two rows; the later row's step is used.
    """
    drops = np.flatnonzero(np.abs(np.diff(rows.value)) > rows.tolerance[1:] + rows.tolerance[:-1]) + 1
    if not 0 < drops.size < MOST_LEVELS or len(rows) < FEWEST_ROWS_A_LEVEL * (drops.size + 1):
        return []
    values = rows.value[np.concatenate(([0], drops))]
    if np.any(np.diff(values) >= 0) or values[-1] <= 0:
        return []
    ratio = values[1:] / values[:-1]
    if float(np.ptp(ratio)) > 0.02 * float(ratio.max()):
        return []
    levels = tuple(
        (int(step), float(value / values[0])) for step, value in zip(rows.step[drops], values[1:], strict=True)
    )
    schedule = Schedule("steps", float(values[0]), levels=levels)
    return [Solution(schedule, 2)] if fits(schedule, rows) else []


def warm_restarts(rows: Rows, hints: Hints) -> list[Solution]:
    """A cosine that starts again at equal distances; the first fall fixes the cycle, all rows must agree."""
    change = np.diff(rows.value)
    fall = int(np.argmax(change < 0))  # the warm-up rises before the first fall, restarts after it
    ups = np.flatnonzero(change[fall:] > 0.2 * rows.top) + 1 + fall
    if not ups.size or ups[0] - fall < 3:
        return []
    first = search(rows.take(np.arange(int(ups[0]))), hints)
    found = []
    for solution in first:
        part = solution.schedule
        if part.shape != "cosine" or part.total is None:
            continue
        for cycle in _cycles(part, rows, int(ups[0])):
            schedule = Schedule(
                "restarts", part.peak, part.warmup, None, part.floor, part.start, part.offset, cycle=int(cycle)
            )
            if fits(schedule, rows):
                found.append(Solution(schedule, oddity(schedule, None, rows, hints)))
    return found


def _cycles(part: Schedule, rows: Rows, up: int) -> NDArray[np.int64]:
    """Cycle lengths that restart between the two rows around the first rise."""
    low, high = int(rows.step[up - 1]) - part.warmup, int(rows.step[up]) - part.warmup
    whole = (part.total or 0) - part.warmup
    return np.unique(np.append(round_between(low, high), whole))


def log_warmup(rows: Rows) -> list[Solution]:
    """DeepSpeed's `WarmupLR` (logarithmic rise, then constant), the rate that the step used."""
    if rows.rising + rows.level < len(rows) or rows.rising < 2:
        return []
    usable = np.flatnonzero((rows.value > 0) & (rows.step > 1))
    if not usable.size:
        return []
    first = int(usable[0])
    power = rows.top / float(rows.value[first]) * float(np.log(rows.step[first]))  # ln W
    whole = float(np.exp(min(power, 20.0)))
    if not 2 <= whole < 1e7:
        return []
    found = []
    for warmup in {int(whole), int(whole) + 1}:
        schedule = Schedule("constant", rows.top, warmup, offset=1, rise="log")
        if fits(schedule, rows):
            found.append(Solution(schedule, 2))
    return found
