"""The rows of a log in which training was broken: a loss that is not finite, or a gradient norm that never is again.

Loss and gradient norm are read together, zeros that hide NaN included. Single non-finite norms beside finite losses are
left out, because a float16 scaler that looks for its scale writes them in good health. This module counts rows and
steps; it does not say what broke.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.alignment import values_at
from trainclinic.signals.gradients import stretch
from trainclinic.signals.onset import columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.run import Axis
    from trainclinic.record.series import Integers, Series
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured


@dataclass(frozen=True, slots=True, eq=False)
class BrokenRows:
    """Every step with a logged loss or gradient norm, and whether it is broken.

    Attributes:
        step: Steps (or rows, where the log has no steps), `[n]`.
        broken: Whether the loss there is not finite or hides it, or the norm is not finite from there to the end,
            `[n]`.
        first: Index of the first broken step.
        good: Number of leading steps that are good beyond doubt.
        series: The series that shows it.
        value: The value logged there.
        source: Where it was read.
    """

    step: Integers
    broken: NDArray[np.bool_]
    first: int
    good: int
    series: str
    value: float
    source: Source

    @property
    def first_step(self) -> int:
        """The first broken step."""
        return int(self.step[self.first])

    @property
    def last_good(self) -> int | None:
        """The last step that is good beyond doubt before the first broken one, or `None`."""
        return int(self.step[self.good - 1]) if self.good else None

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
    found = [(series, _lasting(run, series, mask)) for series, mask in columns(run)]
    found = [(series, mask) for series, mask in found if mask.any()]
    if not found:
        return None
    step = np.unique(np.concatenate([series.step for series, _ in columns(run)]))
    broken = np.zeros(step.size, dtype=bool)
    for series, mask in found:
        broken |= np.isin(step, series.step[mask])
    first = int(np.argmax(broken))
    series, row = next((s, row) for s, mask in found if (row := _row_at(s, mask, int(step[first]))) is not None)
    value = float(series.value[row])
    good = first - 1 if first and value == 0.0 and not _norm_is_finite(run, int(step[first - 1])) else first
    return BrokenRows(step, broken, first, good, series.name, value, series.source(row))


def _norm_is_finite(run: Measured, step: int) -> bool:
    norm = run.record.get("train/grad_norm")
    at = norm.final().at(step) if norm is not None else None
    return at is not None and bool(np.isfinite(at))


def updates_survived(broken: BrokenRows | None, rate: Series | None, axis: Axis) -> int:
    """Least number of updates at a rate above 0 after which a loss was still good.

    A good row at step `s` was computed after `s - 1` updates (`s` where steps begin at 0, which is not assumed). In a
    log without steps each row holds a step or more. Where a rate is logged, updates up to its last 0 are not counted.

    Args:
        broken: The broken rows of the run, or `None` when there are none.
        rate: Learning rates as logged, or `None`.
        axis: What the steps count.
    """
    if broken is None or not broken.good:
        return 0
    good = broken.step[: broken.good]
    updates = int(good[-1]) - 1 if axis == "step" else broken.good - 1
    if rate is not None:
        shown, logged = values_at(rate, good)
        idle = np.flatnonzero(logged & (shown == 0.0))
        if idle.size:
            updates -= int(good[idle[-1]]) if axis == "step" else int(idle[-1]) + 1
    return max(0, updates)


def _lasting(run: Measured, series: Series, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All broken rows of a loss, filtered ones included; of a norm only those that last to the end of the log."""
    if series.name == "train/loss":
        filtered = run.nan_filter.windows if run.nan_filter is not None else ()
        return mask | np.isin(series.step, [window.step for window in filtered])
    tail = stretch(mask)
    if tail.pattern not in {"every row", "to the end"}:
        return np.zeros(mask.size, dtype=bool)
    return mask & (np.arange(mask.size) >= tail.begins)


def _row_at(series: Series, mask: NDArray[np.bool_], step: int) -> int | None:
    rows = np.flatnonzero(mask & (series.step == step))
    return int(rows[0]) if rows.size else None
