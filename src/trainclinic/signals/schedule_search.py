"""Search every schedule that stays inside the printed digits of the logged learning rates.

For fixed shape, peak, warm-up and floor, the learning rate at a step grows with the end `T`; so each row allows an
interval of `T`, and the rows' intersection is exact: no grid over `T` is needed. Where digits are few, only round or
configured numbers are kept, because the intersection then holds many that nobody would have chosen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.schedule_rows import MOST_STEPS, Rows, round_between, round_peaks
from trainclinic.signals.schedule_shapes import DECAYS, Schedule, Shape, progress_of_share, warmup_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_ROWS = 28
MOST_WARMUPS = 1200
MOST_ENDS = 12
MOST_SOLUTIONS = 40
MOST_EXPANDED = 600
"""Where more forms than this fit, the digits are too few to tell any of them; the simplest come first."""
UNNATURAL = 20
"""Penalty of an end that is neither configured nor round nor forced: kept only when nothing else fits."""
USUAL_RATIOS = (0.01, 0.02, 0.03, 0.05, 0.06, 0.1)
FLOORS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3)
STARTS = (0.0, 0.1, 0.01, 0.001)


@dataclass(frozen=True, slots=True)
class Hints:
    """What else is known of the schedule; each hint only adds candidates, none removes one.

    Attributes:
        peaks: Configured learning rates.
        warmups: Configured warm-up steps.
        totals: Ends that the configuration or the epoch column suggests.
        floors: Configured floors, as a learning rate.
        offsets: Which of 0 and 1 `Schedule.offset` may be.
    """

    peaks: tuple[float, ...] = ()
    warmups: tuple[int, ...] = ()
    totals: tuple[int, ...] = ()
    floors: tuple[float, ...] = ()
    offsets: tuple[int, ...] = (0, 1)


@dataclass(frozen=True, slots=True)
class Solution:
    """A schedule inside all printed intervals.

    Attributes:
        schedule: The schedule.
        oddity: Penalty points for numbers that nobody configured and nobody would choose; 0 is the most natural.
        total_range: All ends `T` that fit when the other numbers are held; `None` where the shape has no end.
    """

    schedule: Schedule
    oddity: int
    total_range: tuple[float, float] | None = None


@dataclass(slots=True, eq=False)
class _Grid:
    """Candidates as columns of equal length `[c]`, for one shape and one offset."""

    peak: Floats
    warmup: Floats
    start: Floats
    floor: Floats
    low: Floats = field(default_factory=lambda: np.empty(0))
    high: Floats = field(default_factory=lambda: np.empty(0))

    def keep(self, mask: NDArray[np.bool_]) -> None:
        for name in ("peak", "warmup", "start", "floor", "low", "high"):
            setattr(self, name, getattr(self, name)[mask])


def search(rows: Rows, hints: Hints) -> list[Solution]:
    """Every schedule that fits `rows` (at least two), the most natural first."""
    if not rows.top > 0.0:
        return []
    thin = rows.thinned(MOST_ROWS)
    near, far = peak_candidates(thin, hints)
    found = _search_with(near, thin, rows, hints)
    if far and (not found or significant_digits(found[0].schedule.peak) > 2):
        found = _search_with(far, thin, rows, hints) or found
    return found


def _search_with(peaks: Sequence[float], thin: Rows, rows: Rows, hints: Hints) -> list[Solution]:
    found: list[Solution] = []
    for offset in hints.offsets:
        warmups = warmup_candidates(thin, hints, offset, peaks)
        if rows.rising + rows.level == len(rows):
            found += _without_end(thin, warmups, hints, offset)
            continue
        for shape in DECAYS:
            found += _with_end(thin, warmups, hints, offset, shape)
        found += _inverse_root(thin, warmups, hints, offset)
        if not found and rows.level >= 3:
            found += _after_stable_part(thin, warmups, hints, offset)
    fitting = [solution for solution in found if fits(solution.schedule, rows)]
    best: dict[tuple[object, ...], Solution] = {}
    for solution in sorted(fitting, key=lambda s: s.oddity):
        s = solution.schedule
        best.setdefault((s.shape, s.peak, s.warmup, s.total, s.floor, s.start, s.stable_until), solution)
    ranked = sorted(best.values(), key=lambda s: s.oddity)
    chosen = [solution for solution in ranked if solution.oddity < UNNATURAL]
    return (chosen or ranked)[:MOST_SOLUTIONS]


def fits(schedule: Schedule, rows: Rows) -> bool:
    """Whether the schedule passes through every row within its printed digits."""
    return bool(np.all(np.abs(schedule.at(rows.step) - rows.value) <= rows.tolerance))


def peak_candidates(rows: Rows, hints: Hints) -> tuple[list[float], list[float]]:
    """Peaks to try first (configured ones and the highest value), and rounder ones above it to try after them."""
    top, slack = rows.top, float(rows.tolerance[int(np.argmax(rows.value))])
    at_top = round_peaks(top - slack, top + slack)
    near = [peak for peak in hints.peaks if peak >= top - slack]
    if rows.rising + 1 == len(rows):
        return near, []  # still rising: nothing in the rows tells the peak
    far = [] if rows.level > 1 else round_peaks(top + slack, 1.5 * top)
    return list(dict.fromkeys([*near, *(at_top[:1] or [top])])), far


def warmup_candidates(rows: Rows, hints: Hints, offset: int, peaks: Sequence[float]) -> list[tuple[float, int, float]]:
    """`(peak, W, start)` triples that pass through the rising rows."""
    triples: list[tuple[float, int, float]] = []
    for peak in peaks:
        floors = [round(floor / peak, 12) for floor in hints.floors if 0 < floor < peak]
        for start in dict.fromkeys((*STARTS, *floors)):
            triples += [(peak, warmup, start) for warmup in _warmups(rows, hints, offset, peak, start)]
        if rows.rising:
            triples += [(peak, w, 1 / (w + 1)) for w in _warmups_from_first(rows, offset, peak)]
    return _passing_rise(rows, offset, triples)


def _warmups(rows: Rows, hints: Hints, offset: int, peak: float, start: float) -> list[int]:
    if rows.rising:
        last = rows.rising - 1
        low, high = _warmup_interval(rows, last, offset, peak, start)
        return _integers(low, min(high, float(rows.step[rows.rising]) + (1e9 if rows.level == 1 else 1)), hints.warmups)
    limit = float(rows.step[min(1, len(rows) - 1)])
    if rows.is_exact and start == 0.0 and peak < 1.001 * rows.top:
        return [*hints.warmups, *range(int(min(limit, MOST_WARMUPS)) + 1)]
    return _integers(0.0, limit, hints.warmups) if start == 0.0 or rows.step[0] == 0 else []


def _warmup_interval(rows: Rows, row: int, offset: int, peak: float, start: float) -> tuple[float, float]:
    clock = max(float(rows.step[row]) - offset, 0.0)
    value, slack = float(rows.value[row]), float(rows.tolerance[row])
    rise_high, rise_low = (value + slack) / peak - start, (value - slack) / peak - start
    if clock == 0.0:
        return 1.0, float(rows.step[rows.rising])
    if rise_high <= 0:
        return 1.0, 0.0
    upper = (1 - start) * clock / rise_low if rise_low > 0 else math.inf
    return (1 - start) * clock / rise_high, upper


def _warmups_from_first(rows: Rows, offset: int, peak: float) -> list[int]:
    """Warm-ups of the form `(s + 1) / (W + 1)`, as in nanoGPT."""
    last = rows.rising - 1
    clock, value, slack = (
        max(float(rows.step[last]) - offset, 0.0),
        float(rows.value[last]),
        float(rows.tolerance[last]),
    )
    if value <= slack:
        return []
    low, high = (clock + 1) * peak / (value + slack) - 1, (clock + 1) * peak / (value - slack) - 1
    return _integers(low, high, ())


def _integers(low: float, high: float, extra: Iterable[int]) -> list[int]:
    """Integers of `[low, high]`: all when there are few, else the round and the configured ones."""
    high = min(high, MOST_STEPS)
    if not low <= high:
        return []
    if math.floor(high) - math.ceil(low) < 3:
        return list(range(math.ceil(low), math.floor(high) + 1))
    found = [int(value) for value in round_between(low, high)[:200]]
    return list(dict.fromkeys([*(value for value in extra if low <= value <= high), *found]))


def _passing_rise(
    rows: Rows, offset: int, triples: Sequence[tuple[float, int, float]]
) -> list[tuple[float, int, float]]:
    if not triples:
        return []
    peak, warmup, start = (np.array(column, dtype=np.float64)[:, None] for column in zip(*triples, strict=True))
    clock = np.maximum(rows.step - offset, 0.0)[None, :]
    error = np.abs(peak * warmup_share(clock, warmup, start) - rows.value)
    good = ((error <= rows.tolerance) | (clock >= warmup)).all(axis=1)
    return [triples[index] for index in np.flatnonzero(good).tolist()]


def _without_end(rows: Rows, warmups: Sequence[tuple[float, int, float]], hints: Hints, offset: int) -> list[Solution]:
    """Constant, or still in warm-up: nothing in the rows tells an end."""
    return [
        Solution(s := Schedule("constant", peak, warmup, start=start, offset=offset), oddity(s, None, rows, hints))
        for peak, warmup, start in warmups
    ]


def _with_end(
    rows: Rows, warmups: Sequence[tuple[float, int, float]], hints: Hints, offset: int, shape: Shape
) -> list[Solution]:
    grid = _grid(rows, warmups, hints)
    narrow_ends(grid, rows, offset, shape, grid.warmup)
    return _expand(grid, rows, hints, offset, shape, None)


def _after_stable_part(
    rows: Rows, warmups: Sequence[tuple[float, int, float]], hints: Hints, offset: int
) -> list[Solution]:
    """Warm-up, stable, decay: the decay begins between the last row at the top and the next one."""
    last = rows.rising + rows.level - 1
    first_lower = float(rows.step[last + 1])
    if rows.step[last] - rows.step[rows.rising] < 0.05 * (rows.step[-1] - rows.step[0]):
        return []
    found: list[Solution] = []
    for begin in _integers(float(rows.step[last]) - offset, first_lower - offset, ())[:60]:
        for shape in DECAYS:
            grid = _grid(rows, warmups, hints)
            narrow_ends(grid, rows, offset, shape, np.full(grid.peak.shape, float(begin)))
            found += _expand(grid, rows, hints, offset, shape, begin)
    return found


def _grid(rows: Rows, warmups: Sequence[tuple[float, int, float]], hints: Hints) -> _Grid:
    lowest = float((rows.value + rows.tolerance).min())
    peak, warmup, start = (
        (np.array(column, dtype=np.float64) for column in zip(*warmups, strict=True))
        if warmups
        else (np.empty(0), np.empty(0), np.empty(0))
    )
    columns: list[list[Floats]] = [[], [], [], []]
    shares = [np.full(peak.shape, share) for share in FLOORS]
    shares += [np.round(value / peak, 12) for value in (*hints.floors, 1e-7) if value > 0]
    if 0 < lowest < 0.5 * rows.top and rows.is_exact:
        shares += [np.round(value / peak, 12) for value in round_peaks(0.9 * lowest, lowest)]
    for floor in shares:
        possible = (floor * peak <= lowest) & (floor < 1)
        for column, part in zip(columns, (peak, warmup, start, floor), strict=True):
            column.append(part[possible])
    whole = [np.concatenate(column) for column in columns]
    none = np.zeros(whole[0].shape)
    return _Grid(whole[0], whole[1], whole[2], whole[3], none, none + np.inf)


def narrow_ends(grid: _Grid, rows: Rows, offset: int, shape: Shape, begin: Floats) -> None:
    """Intersect the intervals of `T` that each row allows; candidates without any are dropped from `grid`."""
    middle = np.argsort(np.abs(rows.value / rows.top - 0.5), kind="stable")
    for row in middle.tolist():
        clock = max(float(rows.step[row]) - offset, 0.0)
        value, slack = float(rows.value[row]), float(rows.tolerance[row])
        span = 1.0 - grid.floor
        share_low = ((value - slack) / grid.peak - grid.floor) / span
        share_high = ((value + slack) / grid.peak - grid.floor) / span
        late = clock > begin
        slow, fast = progress_of_share(shape, share_high), progress_of_share(shape, share_low)
        with np.errstate(divide="ignore", invalid="ignore"):
            high = np.where(slow > 0, begin + (clock - begin) / slow, np.inf)
            low = np.where(share_low > 0, begin + (clock - begin) / fast, begin)
        grid.low = np.where(late, np.maximum(grid.low, low), grid.low)
        grid.high = np.where(late, np.minimum(grid.high, high), grid.high)
        level = (clock >= grid.warmup) & ~late & (np.abs(value - grid.peak) > slack)
        impossible = level | (late & ((share_low > 1) | (share_high < 0))) | (grid.low > grid.high)
        if impossible.any():
            begin = begin[~impossible]
            grid.keep(~impossible)


def _expand(grid: _Grid, rows: Rows, hints: Hints, offset: int, shape: Shape, begin: int | None) -> list[Solution]:
    found: list[Solution] = []
    columns = (grid.peak, grid.warmup, grid.start, grid.floor, grid.low, grid.high)
    for peak, warmup, start, floor, low, high in zip(*(column.tolist() for column in columns), strict=True):
        for total in _ends(low, high, rows, hints):
            schedule = Schedule(shape, peak, int(warmup), total, floor, start, offset, stable_until=begin)
            found.append(Solution(schedule, oddity(schedule, (low, high), rows, hints), (low, high)))
        if len(found) >= MOST_EXPANDED:
            break
    return found


def _ends(low: float, high: float, rows: Rows, hints: Hints) -> list[int]:
    """Ends in `[low, high]`: configured, round, the last logged step, or the only integer there is."""
    slack = 1e-9 * max(high if math.isfinite(high) else low, 1e3)
    first, last = math.ceil(low - slack), math.floor(min(high, 1e12) + slack)
    if last < first:
        return []
    if last - first < 2:
        return list(range(first, last + 1))
    near = (*hints.totals, int(rows.step[-1]))
    found = [total for total in near if first <= total <= last]
    found += [int(total) for total in round_between(first, last)]
    return list(dict.fromkeys(found))[:MOST_ENDS] or [(first + last) // 2 if math.isfinite(high) else first]


def _inverse_root(rows: Rows, warmups: Sequence[tuple[float, int, float]], hints: Hints, offset: int) -> list[Solution]:
    last = max(float(rows.step[-1]) - offset, 1.0)
    found = []
    for peak, warmup, start in warmups:
        if abs(peak * math.sqrt(min(warmup / last, 1.0)) - rows.value[-1]) > rows.tolerance[-1]:
            continue
        schedule = Schedule("inverse_sqrt", peak, warmup, start=start, offset=offset)
        if warmup and fits(schedule, rows):
            found.append(Solution(schedule, oddity(schedule, None, rows, hints)))
    return found


def oddity(schedule: Schedule, ends: tuple[float, float] | None, rows: Rows, hints: Hints) -> int:
    """How unnatural the numbers are: a heuristic order among schedules that all fit, not a probability."""
    points = 0 if schedule.peak in hints.peaks or significant_digits(schedule.peak) <= 2 else 2
    points += schedule.offset
    points += {"linear": 0, "cosine": 0, "constant": 0}.get(schedule.shape, 2) + (schedule.stable_until is not None)
    for share in (schedule.start, schedule.floor):
        configured = any(abs(share * schedule.peak - floor) <= 1e-6 * floor for floor in hints.floors)
        points += 0 if configured else {0.0: 0, 0.1: 1}.get(share, 2)
    if schedule.warmup not in (0, *hints.warmups):
        points += significant_digits(schedule.warmup) - 1
        usual = schedule.total is None or any(abs(schedule.warmup - r * schedule.total) < 1 for r in USUAL_RATIOS)
        points += 0 if usual else 1
    if schedule.total is None or schedule.total in hints.totals:
        return points
    forced = ends is not None and ends[1] - ends[0] < 1.0
    if forced or schedule.total == int(rows.step[-1]):
        return points + (2 if hints.totals else 1)
    return points + (significant_digits(schedule.total) - 1 if round_between(*[schedule.total] * 2).size else UNNATURAL)


def significant_digits(value: float) -> int:
    """Digits that are left of a number without its leading and trailing zeros: 1 for 500, 2 for 2.5e-4."""
    mantissa = f"{float(value)!r}".lower().partition("e")[0]
    return max(1, len(mantissa.removesuffix(".0").replace(".", "").strip("0")))
