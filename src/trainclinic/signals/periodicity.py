"""Does the loss repeat a pattern with a fixed period?

The autocorrelation of the detrended loss is searched for its first strong peak after it has fallen; the loss folded at
that period then gives the height of the pattern. Batches sorted by length, a data file read in the same order every
pass, or a repeated evaluation all leave such a pattern; which of them cannot be told from the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

    Floats = NDArray[np.float64]

FEWEST_ROWS = 60
FEWEST_PERIODS = 4
"""A pattern seen fewer than four times may be chance."""

LARGEST_ROWS = 4_096
"""Longer logs are searched in their last rows, at full resolution."""

PEAK = 0.35
PEAK_ERRORS = 4.0
"""Correlation at the period: at least 0.35 and four standard errors (1/sqrt(n)), because many lags are looked at."""


@dataclass(frozen=True, slots=True)
class Periodicity:
    """A repeated pattern.

    Attributes:
        period_rows: Rows per period.
        period_steps: Steps per period.
        correlation: Autocorrelation at the period.
        height: Peak-to-trough height of the folded pattern, in the unit of the loss.
        noise: Scatter about the folded pattern, 1 sd.
        periods: How often it was seen.
    """

    period_rows: int
    period_steps: float
    correlation: float
    height: float
    noise: float
    periods: int


def periodicity_of(run: Measured) -> Periodicity | None:
    """The strongest repeated pattern of the training loss; `None` without one or with fewer than 60 rows."""
    loss = run.loss_rows
    return None if loss is None or len(loss) < FEWEST_ROWS else find_period(loss)


def find_period(loss: Series) -> Periodicity | None:
    """Search a loss for a repeated pattern.

    Args:
        loss: Finite rows, at least 60, at even steps.
    """
    value = loss.value[-LARGEST_ROWS:]
    step = loss.step[-LARGEST_ROWS:]
    gaps = np.diff(step)
    if float(np.mean(gaps == np.median(gaps))) < 0.9:
        return None
    rest = _clip(_detrend(value))
    correlation = _autocorrelation(rest)
    most = value.size // FEWEST_PERIODS
    period = _first_peak(correlation[: most + 2])
    bound = max(PEAK, PEAK_ERRORS / np.sqrt(value.size))
    if period is None or correlation[period] < bound:
        return None
    height, noise = _folded(rest, period)
    return Periodicity(
        period_rows=period,
        period_steps=float(period * np.median(gaps)),
        correlation=float(correlation[period]),
        height=height,
        noise=noise,
        periods=value.size // period,
    )


def _detrend(value: Floats) -> Floats:
    """Remove a quadratic in the row number after the first fifth; patterns of a descent are not periods."""
    x = np.linspace(-1.0, 1.0, value.size)
    skip = value.size // 5
    fit = np.polynomial.polynomial.polyfit(x[skip:], value[skip:], 2)
    return np.asarray((value - np.polynomial.polynomial.polyval(x, fit))[skip:], dtype=np.float64)


def _clip(rest: Floats) -> Floats:
    scale = 1.4826 * float(np.median(np.abs(rest - np.median(rest)))) or 1.0
    return np.clip(rest, -4 * scale, 4 * scale)


def _autocorrelation(rest: Floats) -> Floats:
    centred = rest - rest.mean()
    size = 1 << (2 * centred.size - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    raw = np.fft.irfft(power, size)[: centred.size]
    weight = np.arange(centred.size, 0, -1) / centred.size
    return np.asarray(raw / max(float(raw[0]), 1e-300) / weight, dtype=np.float64)


def _first_peak(correlation: Floats) -> int | None:
    """The highest local maximum after the correlation has first fallen below 0.1; `None` when it never does."""
    low = np.flatnonzero(correlation < 0.1)
    if not low.size:
        return None
    begin = max(int(low[0]), 2)
    inner = correlation[begin + 1 : -1]
    peaks = np.flatnonzero((inner > correlation[begin:-2]) & (inner >= correlation[begin + 2 :])) + begin + 1
    if not peaks.size:
        return None
    highest = float(correlation[peaks].max())
    if highest <= 0:
        return None
    first = int(peaks[correlation[peaks] > 0.9 * highest][0])  # the period, not one of its multiples
    near = peaks[np.abs(peaks - first) <= max(1, first // 10)]
    return int(near[np.argmax(correlation[near])])


def _folded(rest: Floats, period: int) -> tuple[float, float]:
    whole = rest[: rest.size // period * period].reshape(-1, period)
    pattern = np.median(whole, axis=0)
    return float(np.ptp(pattern)), float(np.std(whole - pattern))
