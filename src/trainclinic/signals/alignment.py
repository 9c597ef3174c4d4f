"""Line up two series by step: the value of one series at the steps of another.

Columns of one log often have gaps in different places. This module only looks up; it never interpolates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Floats, Integers, Series


def values_at(series: Series | None, steps: Integers) -> tuple[Floats, NDArray[np.bool_]]:
    """The values that `series` logged at `steps`, and where it logged any.

    Args:
        series: Any series, or `None`; of overlapping passes the later one counts.
        steps: Steps to look up, ascending, `[n]`.

    Returns:
        Values `[n]`, NaN where nothing was logged, and a mask `[n]` that tells a logged NaN from a missing row.
    """
    values = np.full(steps.size, np.nan)
    logged = np.zeros(steps.size, dtype=bool)
    if series is None or not len(series):
        return values, logged
    rows = series.final()
    place = np.searchsorted(rows.step, steps)
    inside = np.minimum(place, len(rows) - 1)
    logged = rows.step[inside] == steps
    values[logged] = rows.value[inside[logged]]
    return values, logged
