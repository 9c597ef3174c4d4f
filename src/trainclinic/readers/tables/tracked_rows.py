"""Single values of many metrics, in any order, gathered by metric."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainclinic.readers.tables.number_columns import as_number
from trainclinic.readers.tables.tracked import Tracked

MAX_METRICS = 5_000
_LARGEST_STEP = 2**53


class TrackedRows:
    """Gathers values by metric in the order in which they come."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[list[int], list[float], list[float], list[int]]] = {}

    def add(self, metric: str, step: Any, value: Any, stamp: Any, place: int) -> bool:
        """Add one value.

        Args:
            metric: Its name.
            step: Its step; anything that is no whole number counts as 0, which is what trackers leave out.
            value: A number, or text that reads as one (`"NaN"`).
            stamp: Wall clock in seconds since 1970, or nothing.
            place: Line or record number.

        Returns:
            Whether it was a number, and of one of the first `MAX_METRICS` metrics.
        """
        number = as_number(value)
        if number is None or (metric not in self._rows and len(self._rows) >= MAX_METRICS):
            return False
        steps, values, stamps, places = self._rows.setdefault(metric, ([], [], [], []))
        is_step = isinstance(step, int) and not isinstance(step, bool) and abs(step) < _LARGEST_STEP
        steps.append(step if is_step else 0)
        values.append(number)
        stamps.append(float(stamp) if isinstance(stamp, (int, float)) and abs(stamp) < 1e300 else np.nan)
        places.append(place)
        return True

    def metrics(self) -> dict[str, Tracked]:
        """Everything, by metric in order of first mention."""
        return {
            name: Tracked(np.array(steps, np.int64), np.array(values), np.array(stamps), np.array(places, np.int64))
            for name, (steps, values, stamps, places) in self._rows.items()
        }
