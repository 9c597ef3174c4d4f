"""Whether slow windows stand where the configuration evaluates or saves.

A pause falls into the window that ends at its step when the row is written after it, and into the window that begins
there when the row is written first. An interval explains slow windows only when it puts a pause on every one of them,
always at the same end, and when it puts hardly any pause elsewhere: a pause that is cheap nearly every time is not what
costs the time. This module does not decide whether pauses are too long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.throughput import Periodic, Throughput

INTERVALS = (("eval_steps", "evaluates"), ("save_steps", "saves"))
"""Configured intervals, and what the run does at each."""
DEAR = 0.2
"""Share of the logged time above which evaluations and saves are worth a word: half as many save a tenth."""


def planned_pauses(run: Measured, speed: Throughput, found: Periodic) -> dict[str, str]:
    """Intervals that explain every recurring slow window.

    Args:
        run: For its configured intervals.
        speed: For the windows.
        found: The slow windows.

    Returns:
        Names of facts, each with what the configuration does there; empty when no interval explains them.
    """
    slow = np.isin(speed.windows.end, found.steps)
    edges = (speed.windows.end[slow], speed.windows.begin[slow])
    explained = {}
    for name, what in INTERVALS:
        every = run.record.facts.number(name) or 0.0
        if every >= 1 and found.period < 2 * every and any(bool(np.all(edge % every == 0)) for edge in edges):
            explained[name] = what
    return explained
