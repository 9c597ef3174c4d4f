"""One run of a text log: what its steps count, its columns, and what its rows say about the plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.grammars.tracks import last_before

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.fragment import Column
    from trainclinic.record.run import Axis

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(slots=True)
class PlacedRun:
    """One run of a file.

    Attributes:
        axis: What the steps count.
        columns: One for each quantity.
        begin: First line.
        last_line: Line of its last row; what stands behind it may prepare the next run.
        track_order: Positions of the rows that say a step, ascending, `[n]`.
        track_step: Their steps, `[n]`.
        planned: Planned steps and the line that says so.
        epochs: Planned epochs and the line that says so.
        per_epoch: Steps of one epoch where the log counts anew in each.
        by_bars: Progress bars are the rows, there are no others.
        summary: Totals by key, with their line.
    """

    axis: Axis = "step"
    columns: dict[str, Column] = field(default_factory=dict)
    begin: int = 1
    last_line: int = 0
    track_order: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    track_step: Floats = field(default_factory=lambda: np.zeros(0))
    planned: tuple[float, int] | None = None
    epochs: tuple[float, int] | None = None
    per_epoch: float | None = None
    by_bars: bool = False
    summary: list[tuple[str, float, int]] = field(default_factory=list)

    def step_at(self, order: int) -> int | None:
        """Step of the last placed row at or before a position."""
        found = last_before(np.array([order]), self.track_order, self.track_step)
        return None if np.isnan(found[0]) else int(found[0])
