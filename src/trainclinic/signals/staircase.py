"""Does the loss step down where a pass over the data ends?

At each epoch boundary the last rows before it are compared with the first rows after it. A drop there, with little
change inside the epochs, is what a model that remembers its rows shows from the second pass on. Needs the `epoch`
column, or the number of steps of an epoch from the settings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.binning import noise_sd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

    Floats = NDArray[np.float64]

FEWEST_ROWS = 5
"""Rows compared on either side of a boundary."""

ROWS_SHARE = 0.05
SIGNIFICANT_SE = 3.0
LONE_SE = 4.0
FEWEST_DROPS = 3
SMALLEST_SHARE = 0.05
"""A drop counts from three standard errors (four when it is the only one) and 5 % of the level on."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """One epoch boundary.

    Attributes:
        epoch: Number of the pass that begins.
        step: First step of that pass.
        before: Median loss of the last rows before it.
        after: Median loss of the first rows after it.
        error: Standard error of their difference.
        inside: Fall inside the pass that ends, as the same medians at its two ends (the first pass from its middle,
            because it begins with a descent); NaN when it has too few rows.
    """

    epoch: int
    step: int
    before: float
    after: float
    error: float
    inside: float

    @property
    def drop(self) -> float:
        """Fall across the boundary; positive when the loss steps down."""
        return self.before - self.after

    @property
    def is_step(self) -> bool:
        """Whether the loss steps down here: beyond its error, by 5 %, and by more than the whole pass before it."""
        beyond = self.drop > SIGNIFICANT_SE * self.error and self.drop > SMALLEST_SHARE * abs(self.before)
        return beyond and not math.isnan(self.inside) and self.drop > self.inside


@dataclass(frozen=True, slots=True)
class Staircase:
    """The loss at the epoch boundaries.

    Attributes:
        boundaries: Those with enough rows on both sides, in order.
        steps_per_epoch: Steps of one pass.
    """

    boundaries: tuple[Boundary, ...]
    steps_per_epoch: float

    @property
    def drops(self) -> tuple[Boundary, ...]:
        """Boundaries at which the loss steps down: three, or half of them; a single one only beyond doubt."""
        steps = tuple(boundary for boundary in self.boundaries if boundary.is_step)
        many = len(steps) >= FEWEST_DROPS or 2 * len(steps) >= len(self.boundaries)
        lone = len(steps) == 1 and not _is_sure(steps[0])
        return steps if many and not lone else ()


def staircase_of(run: Measured) -> Staircase | None:
    """Compare both sides of every epoch boundary; `None` without epochs or with fewer than two of them."""
    loss = run.loss_rows
    if loss is None or len(loss) < 4 * FEWEST_ROWS:
        return None
    epoch = epoch_of_rows(run, loss)
    if epoch is None:
        return None
    number = np.ceil(epoch - 1e-6).astype(np.int64)  # a row logged at the end of a pass belongs to it
    passes = int(number[-1] - number[0])
    if passes < 1 or passes > len(loss) // 4:
        return None
    edges = np.flatnonzero(np.diff(number) > 0) + 1
    steps = float(loss.step[-1] - loss.step[0]) / max(float(epoch[-1] - epoch[0]), 1e-9)
    found = _boundaries(loss, number, edges)
    return Staircase(tuple(found), steps) if found else None


def _is_sure(boundary: Boundary) -> bool:
    return boundary.drop > LONE_SE * boundary.error


def _boundaries(loss: Series, number: NDArray[np.int64], edges: NDArray[np.intp]) -> list[Boundary]:
    begins = np.r_[0, edges, len(loss)]
    out = []
    for k in range(1, begins.size - 1):
        begin, edge, end = int(begins[k - 1]), int(begins[k]), int(begins[k + 1])
        rows = max(FEWEST_ROWS, int(ROWS_SHARE * (edge - begin)))
        before, after = loss.value[max(begin, edge - rows) : edge], loss.value[edge : min(end, edge + rows)]
        if min(before.size, after.size) < 3:
            continue
        noise = noise_sd(loss.value[begin:end])
        error = 1.2533 * noise * math.sqrt(1.0 / before.size + 1.0 / after.size)  # of a difference of medians
        origin = (begin + edge - rows) // 2 if k == 1 else begin
        first = loss.value[origin : origin + rows]
        inside = float(np.median(first) - np.median(before)) if edge - origin >= 2 * rows else math.nan
        level, below = float(np.median(before)), float(np.median(after))
        out.append(Boundary(int(number[edge]), int(loss.step[edge]), level, below, error, inside))
    return out


def epoch_of_rows(run: Measured, loss: Series) -> Floats | None:
    """Position in passes for each row of the loss, from the `epoch` column or the planned number of epochs."""
    if run.record.axis == "epoch":
        return None
    logged = run.record.get("train/epoch")
    if logged is not None:
        logged = logged.final().finite()
        if len(logged) >= 2 and bool(np.any(logged.value % 1.0 != 0.0)):
            return np.asarray(np.interp(loss.step, logged.step, logged.value), dtype=np.float64)
    facts = run.record.facts
    steps, epochs = facts.number("planned_steps"), facts.number("planned_epochs")
    if steps and epochs and run.record.axis == "step":
        return np.asarray(loss.step * (epochs / steps), dtype=np.float64)
    return None
