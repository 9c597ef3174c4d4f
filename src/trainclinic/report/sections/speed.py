"""Throughput: how fast the run really was, window by window, and how much time it lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.signals.measured import Measured


def speed_curve(measured: Measured) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Steps and steps per second between logged rows, or `None` when nothing tells the time."""
    series = measured.record.get("time/elapsed") or measured.record.get("time/stamp")
    if series is None or len(series) < 3:
        return None
    final = series.final().finite()
    step, seconds = np.diff(final.step), np.diff(final.value)
    ok = seconds > 0
    if int(ok.sum()) < 2:
        return None
    return final.step[1:][ok], step[ok] / seconds[ok]
