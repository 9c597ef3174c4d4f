"""Rows that were printed without steps, counted in steps when the settings say how often the run logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.folders.grouping import depth, is_within

if TYPE_CHECKING:
    from trainclinic.readers.folders.grouping import Part


def count_rows_in_steps(parts: list[Part]) -> None:
    """Multiply the row numbers of logs without steps by the logging interval of their run.

    The interval is taken from the log itself (printed arguments) or from the nearest settings file of its folder or
    above; without one, rows stay rows. When the trainer also logged its first step, row 1 is step 1 and row n + 1 is
    step n times the interval.

    Args:
        parts: Everything that was read; changed in place.
    """
    for part in parts:
        if part.fragment.axis != "row" or not part.has_rows:
            continue
        interval = _setting(parts, part, "logging_steps")
        if interval is None or interval < 1 or interval != int(interval):
            continue
        first_too = bool(_setting(parts, part, "logging_first_step")) and interval > 1
        for column in part.fragment.columns.values():
            row = np.asarray(column.step)
            step = np.maximum(1, (row - 1) * int(interval)) if first_too else row * int(interval)
            column.step = step  # type: ignore[assignment]
        part.fragment.axis = "step"


def _setting(parts: list[Part], wanted_by: Part, name: str) -> float | None:
    """The number or flag of that name in the part itself, or in the nearest part without rows at or above its home."""
    near = [other for other in parts if not other.has_rows and is_within(wanted_by.home, other.home)]
    for part in [wanted_by, *sorted(near, key=lambda other: -depth(other.home))]:
        for fact in [*part.fragment.facts, *part.fragment.other_facts]:
            if fact.name == name and isinstance(fact.value, (int, float)):
                return float(fact.value)
    return None
