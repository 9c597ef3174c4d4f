"""The rows of a log in which training was broken: a loss that is not finite, or a gradient norm that never is again.

Loss and gradient norm are read together, zeros that hide NaN included. Single non-finite norms beside finite losses are
left out, because a float16 scaler that looks for its scale writes them in good health. This module counts rows and
steps; it does not say what broke.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.gradients import stretch
from trainclinic.signals.onset import columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Integers, Series
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured


@dataclass(frozen=True, slots=True, eq=False)
class BrokenRows:
    """Every step with a logged loss or gradient norm, and whether it is broken.

    Attributes:
        step: Steps (or rows, where the log has no steps), `[n]`. broken: Whether the loss there is not finite or hides
        it, or the norm is not finite from there to the end, `[n]`. first: Index of the first broken step. series: The
        series that shows it. value: The value logged there. source: Where it was read.
    """

    step: Integers
    broken: NDArray[np.bool_]
    first: int
    series: str
    value: float
    source: Source

    @property
    def first_step(self) -> int:
        """The first broken step."""
        return int(self.step[self.first])

    @property
    def last_good(self) -> int | None:
        """The last step before the first broken one, or `None` when the log begins broken."""
        return int(self.step[self.first - 1]) if self.first else None

    @property
    def after(self) -> int:
        """Steps logged after the first broken one."""
        return int(self.step.size) - self.first - 1

    @property
    def good_after(self) -> int | None:
        """Index of the first good step after the first broken one, or `None`."""
        later = np.flatnonzero(~self.broken[self.first :])
        return self.first + int(later[0]) if later.size else None


def broken_rows_of(run: Measured) -> BrokenRows | None:
    """Find the broken rows; `None` when there is none, or neither loss nor norm was logged."""
    found = [(series, _lasting(series, mask)) for series, mask in columns(run)]
    found = [(series, mask) for series, mask in found if mask.any()]
    if not found:
        return None
    step = np.unique(np.concatenate([series.step for series, _ in columns(run)]))
    broken = np.zeros(step.size, dtype=bool)
    for series, mask in found:
        broken |= np.isin(step, series.step[mask])
    first = int(np.argmax(broken))
    series, row = next((s, row) for s, mask in found if (row := _row_at(s, mask, int(step[first]))) is not None)
    return BrokenRows(step, broken, first, series.name, float(series.value[row]), series.source(row))


def _lasting(series: Series, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All broken rows of a loss; of a gradient norm only those that last to the end of the log."""
    if series.name == "train/loss":
        return mask
    tail = stretch(mask)
    if tail.pattern not in {"every row", "to the end"}:
        return np.zeros(mask.size, dtype=bool)
    return mask & (np.arange(mask.size) >= tail.begins)


def _row_at(series: Series, mask: NDArray[np.bool_], step: int) -> int | None:
    rows = np.flatnonzero(mask & (series.step == step))
    return int(rows[0]) if rows.size else None
