"""Growth of the gradient norm at constant learning rate while the loss does not fall: the precursor of a divergence.

A norm that grows while the rate decays, or while the loss falls (memorisation), is normal; so only the stretch around
the peak rate is looked at, and the loss is compared over the same steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Floats, Series

RATE_SPREAD = 1.5
"""Largest over smallest learning rate of a stretch that counts as constant: Adam's updates differ by no more."""

BINS = 12
"""Medians over equal numbers of rows: enough for a rank test, few enough to smooth single rows."""

MIN_ROWS = 36
"""Three rows per bin, so that a bin's median survives one outlier."""

MIN_SPAN = 2.0
"""Last over first step of the stretch: a slope per e-fold of steps needs a fair part of an e-fold."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Trend of ln(norm) over ln(step) while the learning rate was about constant.

    Attributes:
        slope: Median of the pairwise slopes: growth of ln(norm) per e-fold of steps.
        monotone: Kendall's tau of the binned medians with the step, -1 to 1.
        first_step: First step of the stretch.
        last_step: Last step of the stretch.
        factor: Last over first binned median of the norm.
        loss_change: Relative change of the loss over the same steps; `None` when it was not logged there.
    """

    slope: float
    monotone: float
    first_step: int
    last_step: int
    factor: float
    loss_change: float | None


def growth_of(norm: Series, rate: Floats, loss: Series | None) -> Growth | None:
    """Measure growth over the stretch of nearly constant learning rate around its peak.

    Args:
        norm: Final history of the gradient norm.
        rate: Learning rate at its rows, NaN where not logged, `[n]`.
        loss: Final history of the training loss.

    Returns:
        `None` when the rate was not logged, or the stretch is too short in rows or in e-folds of steps.
    """
    begin, end = constant_stretch(rate)
    rows = np.arange(begin, end)
    rows = rows[np.isfinite(norm.value[rows]) & (norm.value[rows] > 0.0) & (norm.step[rows] > 0)]
    if rows.size < MIN_ROWS or norm.step[rows[-1]] < MIN_SPAN * norm.step[rows[0]]:
        return None
    parts = np.array_split(rows, BINS)
    x = np.log([float(np.median(norm.step[part])) for part in parts])
    y = np.log([float(np.median(norm.value[part])) for part in parts])
    upper = np.triu_indices(BINS, 1)
    run, rise = (x[:, None] - x)[upper], (y[:, None] - y)[upper]
    first, last = int(norm.step[rows[0]]), int(norm.step[rows[-1]])
    return Growth(
        slope=float(np.median(rise / run)),
        monotone=float(np.mean(np.sign(rise) * np.sign(run))),
        first_step=first,
        last_step=last,
        factor=float(np.exp(y[-1] - y[0])),
        loss_change=_change(loss, first, last),
    )


def constant_stretch(rate: NDArray[np.float64]) -> tuple[int, int]:
    """First and last (exclusive) row of the stretch around the peak whose rates differ by `RATE_SPREAD` at most."""
    if not rate.size or not np.isfinite(rate).all() or rate.max() <= 0.0:
        return 0, 0
    low = rate < rate.max() / RATE_SPREAD
    peak = int(np.argmax(rate))
    before, after = np.flatnonzero(low[:peak]), np.flatnonzero(low[peak:])
    return (int(before[-1]) + 1 if before.size else 0), (peak + int(after[0]) if after.size else rate.size)


def _change(loss: Series | None, first: int, last: int) -> float | None:
    if loss is None:
        return None
    inside = (loss.step >= first) & (loss.step <= last) & np.isfinite(loss.value)
    value = loss.value[inside]
    third = value.size // 3
    if third < 1 or value[:third].min() <= 0.0:
        return None
    begin = float(np.median(value[:third]))
    return (float(np.median(value[-third:])) - begin) / begin
