"""Do the rows of a loss sit on two separate levels and jump between them, as blocks of different data would make them?

The trend is taken off, the rest is cut in two where that explains most of its spread, and the two parts must be far
apart for their own width, both common, and visited again and again. Noise of any usual shape, a single step, a
staircase and a sawtooth fail one of these. What the levels are levels of is not known here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.signals.measured import Measured

    Floats = NDArray[np.float64]

FEWEST_ROWS = 24
MOST_ROWS = 2_000
"""Longer logs are judged by their last rows."""
SEPARATION = 4.2
"""Ashman's D. Cut in two at its best place, a normal sample gives 2.7, a uniform one (a sawtooth) 3.5; with the gap and
the jumps below, 1 % of the samples of 24 rows of normal or log-normal noise pass, and none of 60 (measured)."""
EMPTY, EMPTY_ROWS = 0.12, 5.0
"""Least gap between the two parts as a share of the whole range: 0.12, or 5 over the number of rows of a short log."""
SMALLEST_PART = 0.2
LEVEL_SHARE = 0.2
"""Distance of the levels over their mean: less is the scatter of batches, which rarely reaches this."""
FEWEST_JUMPS = 6
"""Changes of level; a run that moves to a level and stays there makes one."""


@dataclass(frozen=True, slots=True)
class LossLevels:
    """The two levels that split the rows best.

    Attributes:
        low: Median of the lower part, in the unit of the loss.
        high: Median of the upper part.
        low_rows: Rows in the lower part.
        high_rows: Rows in the upper part.
        jumps: How often the loss changes from one part to the other in consecutive rows.
        separation: Distance of the means over their common width (Ashman's D).
        gap: Empty space between the parts as a share of the range.
        rows: Rows looked at.
    """

    low: float
    high: float
    low_rows: int
    high_rows: int
    jumps: int
    separation: float
    gap: float
    rows: int

    @property
    def are_separate(self) -> bool:
        """Whether there are two levels, far apart, both common, and visited again and again."""
        apart = self.separation > SEPARATION and self.gap > max(EMPTY, EMPTY_ROWS / self.rows)
        common = min(self.low_rows, self.high_rows) >= SMALLEST_PART * self.rows
        high = self.high - self.low > LEVEL_SHARE * 0.5 * (abs(self.low) + abs(self.high))
        return apart and common and high and self.jumps >= FEWEST_JUMPS


def loss_levels_of(run: Measured) -> LossLevels | None:
    """Split the rows of the training loss in two; `None` with fewer than 24 rows."""
    loss = run.loss_rows
    if loss is None or len(loss) < FEWEST_ROWS:
        return None
    return split_levels(loss.value[-MOST_ROWS:])


def split_levels(value: Floats) -> LossLevels | None:
    """Split a sequence where two parts explain most of its spread (Otsu's threshold).

    Args:
        value: Finite values in order, `[n]`.

    Returns:
        `None` where the values do not differ.
    """
    line = np.polynomial.polynomial.polyfit(np.linspace(-1.0, 1.0, value.size), value, 1)
    rest = value - np.polynomial.polynomial.polyval(np.linspace(-1.0, 1.0, value.size), line)
    order = np.sort(rest)
    reach = float(np.ptp(order))
    if reach <= 1e-9 * max(1.0, float(np.abs(value).max())):
        return None
    count = np.arange(1, order.size)
    left = np.cumsum(order)[:-1] / count
    right = (order.sum() - np.cumsum(order)[:-1]) / (order.size - count)
    cut = int(np.argmax(count * (order.size - count) * (left - right) ** 2))
    gap = float(order[cut + 1] - order[cut])
    above = rest > order[cut]
    spread = math.hypot(float(np.std(rest[above])), float(np.std(rest[~above])))
    return LossLevels(
        low=float(np.median(value[~above])),
        high=float(np.median(value[above])),
        low_rows=int((~above).sum()),
        high_rows=int(above.sum()),
        jumps=int(np.count_nonzero(np.diff(above.astype(np.int8)))),
        separation=math.sqrt(2.0) * float(right[cut] - left[cut]) / max(spread, 1e-12 * reach),
        gap=gap / reach,
        rows=int(value.size),
    )
