"""Robust distance of each row above its own recent past (dense logs) or its neighbours (sparse logs).

Dense logs: the last 100 rows that are not outliers themselves, detrended by the medians of their two halves, give the
expected value and, through the median absolute deviation, its scatter. Sparse logs have no such window:
there the two rows on either side are asked, which needs the future and therefore works after the fact only.
It knows nothing about what the rows measure; long logs are judged against windows on a grid, so that a million rows
cost no more than a few thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

WINDOW = 100
FEWEST_IN_WINDOW = 20
SPARSE_ROWS = 40
"""Below this many rows a trailing window holds mostly the initial descent."""

FLAG_Z = 6.0
"""About 1 false alarm per 1000 rows of AR(1) noise with t5 tails; +1.0 nat on noise of 0.08 is always found."""

FLOOR_SHARE = 0.005
"""Scatter is taken as at least this share of the level: printed digits and small windows make it look smaller."""

FIRST_ROWS_SHARE = 0.2
"""The scatter of the first rows is known from a handful of them only, so more height is asked for."""

_GRID = 1_000
_PASSES = 4
_LONGEST_EXTRAPOLATION = 10
_MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class Distances:
    """How far each row lies above what its surroundings predict.

    Attributes:
        z: (value - expected) / scatter, `[n]`; 0 where there are too few rows to say.
        expected: Predicted value, `[n]`; NaN where there are too few rows.
        flagged: Rows that count as outliers, `[n]`.
    """

    z: Floats
    expected: Floats
    flagged: Mask


def upward_outliers(value: Floats, *, smallest: float, share: float, floor: float = 0.0) -> Distances:
    """Rows far above their surroundings.

    Args:
        value: Finite values in order of steps, `[n]`.
        smallest: Least height above the expected value that counts, in the unit of `value`.
        share: The same as a share of the expected value's magnitude; the larger of both applies.
        floor: Least scatter, in the unit of `value` (printing resolution, sampling error of an evaluation).
    """
    if value.size < SPARSE_ROWS:
        return _sparse(value, smallest, share, floor)
    flagged = np.zeros(value.size, dtype=bool)
    level_change = flagged.copy()
    distances = _dense(value, ~flagged, smallest, share, floor)
    for _ in range(_PASSES):
        found = flagged | distances.flagged
        level_change |= _long_stretches(found)
        if bool(np.all(found == flagged)):
            break
        flagged = found
        distances = _dense(value, ~flagged | level_change, smallest, share, floor)
    return _with_first_rows(
        value, Distances(distances.z, distances.expected, flagged | distances.flagged), smallest, share
    )


def _with_first_rows(value: Floats, dense: Distances, smallest: float, share: float) -> Distances:
    """The rows before the first window, judged by their neighbours as in a sparse log."""
    first = _sparse(value[: FEWEST_IN_WINDOW + 4], smallest, max(share, FIRST_ROWS_SHARE), 0.0)
    for row in np.flatnonzero(first.flagged[:FEWEST_IN_WINDOW]).tolist():
        dense.z[row], dense.expected[row], dense.flagged[row] = first.z[row], first.expected[row], True
    return dense


def _long_stretches(flagged: Mask) -> Mask:
    """Stretches of flagged rows longer than half a window: a new level, which must enter the window again."""
    edges = np.diff(np.r_[False, flagged, False].astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    out = np.zeros(flagged.size, dtype=bool)
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if end - begin > WINDOW // 2:
            out[begin:end] = True
    return out


def _dense(value: Floats, kept: Mask, smallest: float, share: float, floor: float) -> Distances:
    """Distances against trailing windows of kept rows, the windows being refreshed on a grid."""
    clean = value[kept]
    before = np.r_[0, np.cumsum(kept)[:-1]]  # kept rows before each row
    grid = _grid(clean.size)
    if not grid.size:
        nothing = np.zeros(value.size)
        return Distances(nothing, np.full(value.size, np.nan), np.zeros(value.size, dtype=bool))
    centre, slope, scatter = _windows(clean, grid)
    which = np.searchsorted(grid, before, side="right") - 1
    judged = which >= 0
    which = np.maximum(which, 0)
    ahead = np.minimum(before - grid[which] + 1, _LONGEST_EXTRAPOLATION)
    expected = centre[which] + slope[which] * ahead
    sigma = np.maximum.reduce([scatter[which], FLOOR_SHARE * np.abs(expected), np.full(value.size, max(floor, 1e-12))])
    rise = value - expected
    z = np.where(judged, rise / sigma, 0.0)
    flagged = (z > FLAG_Z) & (rise > np.maximum(smallest, share * np.abs(expected)))
    return Distances(z, np.where(judged, expected, np.nan), flagged)


def _grid(size: int) -> NDArray[np.intp]:
    """Row counts after which a window is taken: every row early on, evenly spread later."""
    if size < FEWEST_IN_WINDOW:
        return np.zeros(0, dtype=np.intp)
    stride = max(1, size // _GRID)
    early = np.arange(FEWEST_IN_WINDOW, min(size, 5 * WINDOW) + 1, min(stride, 5))
    late = np.arange(5 * WINDOW, size + 1, stride)
    return np.unique(np.r_[early, late]).astype(np.intp)


def _windows(clean: Floats, grid: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
    """Last value, slope per row and scatter of the line through the half medians of each window, `[len(grid)]`."""
    full = grid >= WINDOW
    parts = [_lines(clean[None, max(0, g - WINDOW) : g]) for g in grid[~full].tolist()]
    if full.any():
        views = np.lib.stride_tricks.sliding_window_view(clean, WINDOW)[grid[full] - WINDOW]
        parts.append(_lines(views))
    centre, slope, scatter = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return centre, slope, scatter


def _lines(rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Robust lines through windows `[m, w]`."""
    width = rows.shape[1]
    half = width // 2
    first, second = np.median(rows[:, :half], axis=1), np.median(rows[:, half:], axis=1)
    slope = (second - first) / (width - width / 2)
    middle = half + (width - half - 1) / 2
    fitted = second[:, None] + slope[:, None] * (np.arange(width) - middle)
    rest = np.abs(rows - fitted)
    return fitted[:, -1], slope, _MAD_TO_SD * np.median(rest, axis=1)


def _sparse(value: Floats, smallest: float, share: float, floor: float) -> Distances:
    """Distances against two rows on either side; the highest row is judged first and then set aside."""
    size = value.size
    z, expected, flagged = np.zeros(size), np.full(size, np.nan), np.zeros(size, dtype=bool)
    for _ in range(max(1, size // 4)):
        open_rows = [i for i in range(2, size) if not flagged[i]]
        rises = {i: value[i] - _highest_side(value, i, flagged) for i in open_rows}
        if size < 5 or not rises:
            break
        for i, rise in rises.items():
            expected[i] = value[i] - rise
        peak = max(rises, key=lambda i: rises[i])
        trial = flagged.copy()
        trial[peak] = True
        sigma = max(_local_scatter(value, peak, trial), FLOOR_SHARE * abs(expected[peak]), floor, 1e-12)
        z[peak] = rises[peak] / sigma
        if z[peak] <= FLAG_Z or rises[peak] <= max(smallest, share * abs(expected[peak])):
            break
        flagged = trial
    return Distances(z, expected, flagged)


def _highest_side(value: Floats, row: int, flagged: Mask) -> float:
    before, after = _sides(row, flagged)
    sides = [float(np.median(value[side])) for side in (before, after) if side]
    return max(sides)


def _local_scatter(value: Floats, row: int, flagged: Mask) -> float:
    """Scatter of the rows near `row` about their own neighbours; the first two rows are descent."""
    near = [j for j in range(max(2, row - 5), min(value.size, row + 6)) if not flagged[j]]
    rest = []
    for j in near:
        before, after = _sides(j, flagged)
        rest.append(abs(value[j] - float(np.median(value[before + after]))))
    return _MAD_TO_SD * float(np.median(rest)) if rest else 0.0


def _sides(row: int, flagged: Mask) -> tuple[list[int], list[int]]:
    before = [i for i in range(row - 1, -1, -1) if not flagged[i]][:2]
    after = [i for i in range(row + 1, flagged.size) if not flagged[i]][:2]
    return before, after
