"""A loss curve reduced to a few hundred robust points, and the noise of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DIFF_TO_SD = 1.0 / (0.6745 * np.sqrt(2.0))


@dataclass(frozen=True, slots=True)
class Bins:
    """Medians of consecutive groups of rows.

    Attributes:
        step: Mean step of each bin, `[m]`.
        value: Median value of each bin, `[m]`.
        rows: Rows in each bin, `[m]`.
    """

    step: Floats
    value: Floats
    rows: NDArray[np.int64]


def equal_bins(step: NDArray[np.int64], value: Floats, count: int = 200) -> Bins:
    """At most `count` bins with equally many rows; every row its own bin when there are no more than that.

    Args:
        step: Ascending steps, `[n]`.
        value: Finite values, `[n]`.
        count: Most bins.
    """
    return _bins(step, value, np.linspace(0, value.size, min(count, value.size) + 1).astype(np.int64))


def log_bins(step: NDArray[np.int64], value: Floats, count: int = 40) -> Bins:
    """At most `count` bins whose edges are evenly spaced in the logarithm of the row number.

    Args:
        step: Ascending steps, `[n]`.
        value: Finite values, `[n]`.
        count: Most bins.
    """
    if value.size <= count:
        return equal_bins(step, value, count)
    edges = np.unique(np.r_[0, np.geomspace(1, value.size, count).astype(np.int64)])
    return _bins(step, value, edges)


def _bins(step: NDArray[np.int64], value: Floats, edges: NDArray[np.int64]) -> Bins:
    rows = np.diff(edges)
    if value.size and bool(np.all(rows == 1)):
        return Bins(step.astype(np.float64), value, rows)
    pairs = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    middle = np.array([float(np.median(value[a:b])) for a, b in pairs])
    where = np.array([float(step[a:b].mean()) for a, b in pairs])
    return Bins(where, middle, rows)


def noise_sd(value: Floats) -> float:
    """Robust standard deviation of row-to-row noise, from differences of neighbours: a trend does not widen it.

    Args:
        value: Finite values in order, `[n]`; fewer than three give 0.
    """
    if value.size < 3:
        return 0.0
    differences = np.diff(value)
    return float(_DIFF_TO_SD * np.median(np.abs(differences - np.median(differences))))


def lag_one(residual: Floats) -> float:
    """Lag-1 autocorrelation, corrected for its bias in short series, within [-0.5, 0.95].

    phi + (1 + 4 phi) / n (Kendall 1954).

    Args:
        residual: Rows about their fit, `[n]`.
    """
    size = residual.size
    centred = residual - residual.mean()
    power = float(np.dot(centred, centred))
    if size < 4 or power <= 0:
        return 0.0
    phi = float(np.dot(centred[1:], centred[:-1])) / power
    return float(np.clip(phi + (1.0 + 4.0 * phi) / size, -0.5, 0.95))
