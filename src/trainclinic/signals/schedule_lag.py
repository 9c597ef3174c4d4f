"""Schedules whose clock stands still now and then: float16 steps that were skipped.

A skipped optimizer step advances the step counter of a Hugging Face Trainer but not the scheduler, so the row of step
`s` shows `LR(s - lag)` with a whole `lag` that only ever grows: it counts the skipped steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.schedule_rows import MOST_STEPS, Rows, round_peaks
from trainclinic.signals.schedule_search import Hints, Solution, oddity
from trainclinic.signals.schedule_shapes import Schedule, Shape, progress_of_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MOST_LAG_SHARE = 0.3
"""A run that skipped more of its steps than this has lost its schedule; a fit would be chance."""
FEWEST_ROWS = 4
USUAL_WARMUPS = (0, 1, 2, 3, 5, 10, 20, 25, 30, 50, 100, 200, 250, 300, 500, 1000)


def lagging(rows: Rows, hints: Hints) -> list[tuple[Solution, Integers]]:
    """Schedules that fit with a whole, growing lag, and the lag of each row `[n]`; the most natural first.

    Only exact values can show a lag: with few digits any curve could be bent by one.
    """
    if len(rows) < FEWEST_ROWS or not rows.is_exact:
        return []
    found = []
    for schedule in _candidates(rows, hints):
        lag = lag_of(schedule, rows)
        if lag is not None:
            found.append((Solution(schedule, oddity(schedule, None, rows, hints)), lag))
    return sorted(found, key=lambda pair: (pair[0].oddity, int(pair[1][-1])))


def lag_of(schedule: Schedule, rows: Rows) -> Integers | None:
    """Steps by which each row is behind the schedule, `[n]`; `None` unless they are whole, growing and few."""
    clock = np.round(_clock(schedule, rows.value)).astype(np.int64)
    if np.any(np.abs(schedule.at(clock) - rows.value) > rows.tolerance):
        return None
    lag = rows.step - clock
    moving = (rows.value < schedule.peak * (1 - 1e-9)) & (rows.value > 0)
    lag, step = lag[moving], rows.step[moving]
    if lag.size < FEWEST_ROWS or lag[0] < 0 or np.any(np.diff(lag) < 0) or lag[-1] == lag[0] == 0:
        return None
    if lag[-1] > MOST_LAG_SHARE * step[-1] + 2:
        return None
    return np.asarray(np.interp(rows.step, step, lag).astype(np.int64))


def _clock(schedule: Schedule, value: Floats) -> Floats:
    """Schedule step that gives each value: on the rise before the first highest value, on the fall after it."""
    share = value / schedule.peak
    rise = np.arange(value.size) < int(np.argmax(value))
    span = (schedule.total or 0) - schedule.warmup
    return np.where(rise, share * schedule.warmup, schedule.warmup + span * progress_of_share(schedule.shape, share))


def _candidates(rows: Rows, hints: Hints) -> list[Schedule]:
    top = rows.top
    peaks = [peak for peak in hints.peaks if peak >= 0.999 * top]
    peaks += round_peaks(top * (1 - 1e-9), 1.25 * top)
    found: list[Schedule] = []
    for peak in dict.fromkeys(peaks):
        for warmup in _warmups(rows, hints, peak):
            found += [Schedule(shape, peak, warmup, total) for shape, total in _ends(rows, hints, peak, warmup)]
    return found


def _warmups(rows: Rows, hints: Hints, peak: float) -> list[int]:
    if rows.rising >= 2:
        slope = float(np.median(np.diff(rows.value[: rows.rising]) / np.diff(rows.step[: rows.rising])))
        whole = min(peak / slope, MOST_STEPS) if slope > 0 else MOST_STEPS
        return [round(whole)] if abs(whole - round(whole)) < 1e-3 * max(whole, 1.0) else []
    return [w for w in dict.fromkeys((*hints.warmups, *USUAL_WARMUPS)) if w <= rows.step[1]]


def _ends(rows: Rows, hints: Hints, peak: float, warmup: int) -> list[tuple[Shape, int]]:
    shapes: tuple[Shape, ...] = ("linear", "cosine")
    ends = [(shape, total) for total in hints.totals[:4] if total > warmup for shape in shapes]
    first = rows.rising + rows.level
    if len(rows) - first < 3:
        return ends
    slope = float(np.median(np.diff(rows.value[first:]) / np.diff(rows.step[first:])))
    whole = min(-peak / slope, MOST_STEPS) if slope < 0 else 0.0
    if whole > 1 and abs(whole - round(whole)) < 1e-6 * whole:
        ends.append(("linear", warmup + round(whole)))
    return ends
