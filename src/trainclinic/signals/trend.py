"""Where the loss came from, where it stands, whether it still falls, and since when it does not.

Levels are medians of many rows, never single ones. "Still falling" is a one-sided test whose error accounts for
correlated rows; with few rows or strong noise the answer is `undetermined` and the smallest detectable slope says what
was missing. A plateau is a level and a start. What it means depends on the level and is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.binning import Bins, equal_bins, log_bins, noise_sd
from trainclinic.signals.change_points import bends
from trainclinic.signals.outliers import upward_outliers
from trainclinic.signals.slope import Slope, ess_slope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

    Floats = NDArray[np.float64]

End = Literal["falling", "flat", "rising", "undetermined"]

FEWEST_ROWS = 4
SIGNIFICANT = 0.05
DETECTABLE_SHARE = 0.02
"""A slope that could hide more than 2 % of the level is not called flat."""

BEND_BINS = 60
"""Bins for the search of bends, evenly spaced in the logarithm of the row."""

END_SHARE, END_ROWS = 0.2, 30
"""The end of a run: its last fifth, and at least 30 points, as in the calibration of the slope test."""

PLATEAU_SHARE = 0.3
"""A plateau takes at least this share of the run; a shorter one may be a pause."""

PLATEAU_TOLERANCE = 0.05
"""Share of the whole fall that may still be gained along a plateau."""

PLATEAU_LEVEL_SHARE = 0.03
"""The same as a share of the level: 0.3 to 0.2 nats is progress, even after a fall from 9."""


@dataclass(frozen=True, slots=True)
class Plateau:
    """A stretch to the end of the run in which nothing was gained.

    Attributes:
        level: Median loss of the stretch.
        spread: Robust scatter of its (binned) points.
        start_step: First step of the stretch.
        end_step: Last step of the run.
        share: Length as a share of the run's steps.
        points: Rows (or bins) in it.
        gain: Fall along it by the fitted line; negative when the loss rises.
        gain_bound: Upper 95 % bound of that fall; equal to `gain` plus twice the spread with fewer than 12 points.
        fall: Fall from the first loss to the level.
    """

    level: float
    spread: float
    start_step: int
    end_step: int
    share: float
    points: int
    gain: float
    gain_bound: float
    fall: float


@dataclass(frozen=True, slots=True)
class Trend:
    """The course of one loss.

    Attributes:
        series: Name of the series.
        rows: Finite rows used.
        first: First row.
        first_step: Its step.
        start: Level at the beginning: median of the first rows (up to 5 % of them, at least the first row).
        last: Level at the end: median of the last tenth, at least three rows.
        last_step: Last step.
        best: Lowest smoothed level.
        best_step: Its step.
        noise: Standard deviation of a row about the trend.
        chance_rise: Rise from the best level to the level at the end that noise alone reaches in a flat run.
        end: What the end of the run does.
        slope: Line through the end; `None` with fewer than 12 points there.
        bends: Steps at which the curve bends.
        plateau: Set when nothing was gained over a long last stretch.
    """

    series: str
    rows: int
    first: float
    first_step: int
    start: float
    last: float
    last_step: int
    best: float
    best_step: int
    noise: float
    chance_rise: float
    end: End
    slope: Slope | None
    bends: tuple[float, ...]
    plateau: Plateau | None

    @property
    def fall(self) -> float:
        """From the first row (or the starting level, when that is higher) to the level at the end."""
        return max(self.first, self.start) - self.last


def trend_of(run: Measured) -> Trend | None:
    """Trend of the training loss, or of the evaluation loss when only that has enough rows; `None` without either."""
    train, held_out = run.loss_rows, run.eval_rows
    if train is not None and len(train) >= FEWEST_ROWS:
        return trend(train)
    return trend(held_out) if held_out is not None and len(held_out) >= FEWEST_ROWS else None


def trend(series: Series) -> Trend:
    """Describe the course of a loss.

    Args:
        series: Finite rows, at least four.
    """
    steady = _without_outliers(series)
    bins = equal_bins(steady.step, steady.value)
    smooth = _smooth(bins)
    best = int(np.argmin(smooth))
    size = steady.value.size
    slope, span = _end_slope(bins)
    last = float(np.median(steady.value[-max(3, size // 10) :]))
    return Trend(
        series=series.name,
        rows=len(series),
        first=float(series.value[0]),
        first_step=int(series.step[0]),
        start=float(np.median(steady.value[: max(1, min(size // 20, 50))])),
        last=last,
        last_step=int(series.step[-1]),
        best=float(smooth[best]),
        best_step=int(bins.step[best]),
        noise=noise_sd(steady.value),
        chance_rise=_chance_rise(noise_sd(steady.value), bins, max(3, size // 10)),
        end=_end(slope, span, last),
        slope=slope,
        bends=bends(log_bins(steady.step, steady.value, BEND_BINS)),
        plateau=find_plateau(bins, float(series.value[0])),
    )


def _without_outliers(series: Series) -> Series:
    """Sparse logs lose their outliers here; in dense ones the medians of the bins do not feel them."""
    if len(series) >= 40 or len(series) < 5:
        return series
    flagged = upward_outliers(series.value, smallest=0.1, share=0.05).flagged
    flagged[0] = flagged[-1] = False  # a high last row is where the run ended
    return series.where(~flagged)


def _smooth(bins: Bins) -> Floats:
    """Running median over about a twentieth of the bins (three at least)."""
    size = bins.value.size
    half = max(1, size // 40)
    padded = np.pad(bins.value, half, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.asarray(np.median(windows, axis=1), dtype=np.float64)


def _chance_rise(noise: float, bins: Bins, last_rows: int) -> float:
    """How far a median of the last rows lies above the lowest of all running medians by chance.

    The lowest of m normal values lies sqrt(2 ln m) deviations below their mean; three deviations for the end, and twice
    as much because neighbouring rows are correlated (phi 0.6 leaves a quarter of them independent).
    """
    size = bins.value.size
    behind_one = (2 * max(1, size // 40) + 1) * float(bins.rows.mean())
    lowest = np.sqrt(2.0 * np.log(max(size, 2)) / behind_one)
    return float(2.0 * 1.2533 * noise * (lowest + 3.0 / np.sqrt(last_rows)))


def _end_slope(bins: Bins) -> tuple[Slope | None, float]:
    """The line through the end of the run, and the number of steps that it spans."""
    count = min(bins.value.size, max(int(END_SHARE * bins.value.size), END_ROWS))
    step = bins.step[-count:]
    return ess_slope(step, bins.value[-count:]), float(step[-1] - step[0])


def _end(slope: Slope | None, span: float, level: float) -> End:
    if slope is None:
        return "undetermined"
    if slope.p_falling < SIGNIFICANT:
        return "falling"
    if slope.p_rising < SIGNIFICANT:
        return "rising"
    return "flat" if slope.detectable * span < DETECTABLE_SHARE * abs(level) else "undetermined"


def find_plateau(bins: Bins, first: float) -> Plateau | None:
    """The longest last stretch along which nothing was gained.

    Args:
        bins: The curve without outliers.
        first: First logged loss.

    Returns:
        `None` when the run was still gaining, or the stretch is shorter than 30 % of the run or than three points.
    """
    size = bins.value.size
    total = float(bins.step[-1] - bins.step[0])
    if size < 3 or total <= 0:
        return None
    smooth = _smooth(bins)
    for begin in range(size - 2):
        share = float(bins.step[-1] - bins.step[begin]) / total
        if share < PLATEAU_SHARE:
            return None
        found = _stretch(bins, smooth, begin, first, share)
        if found is not None:
            return found
    return None


def _stretch(bins: Bins, smooth: Floats, begin: int, first: float, share: float) -> Plateau | None:
    """The plateau that begins at bin `begin`, or `None` when the loss goes on falling there."""
    step, value = bins.step[begin:], bins.value[begin:]
    level = float(np.median(value))
    fall = max(first - level, 0.0)
    spread = float(1.4826 * np.median(np.abs(value - level)))
    allowed = max(min(PLATEAU_TOLERANCE * fall, PLATEAU_LEVEL_SHARE * abs(level)), 0.005 * abs(level))
    if smooth[begin] - level > allowed + spread:
        return None
    line = ess_slope(step, value)
    length = float(step[-1] - step[0])
    if line is None:
        third = max(1, value.size // 3)
        gain = float(np.median(value[:third]) - np.median(value[-third:]))
        bound = gain + (float(np.ptp(value)) if value.size < 6 else 2.0 * spread / np.sqrt(third))
        limit = 2.0 * allowed
    else:
        gain, bound = -line.per_step * length, (-line.per_step + 1.645 * line.error) * length
        limit = allowed
    if bound > limit:
        return None
    return Plateau(level, spread, int(step[0]), int(step[-1]), share, value.size, gain, bound, fall)
