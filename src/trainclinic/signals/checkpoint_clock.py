"""Wall-clock times that checkpoint names carry, such as `..._step000500_11222025_111021.pt`.

They are a clock of last resort: whole seconds, one reading per checkpoint, and no reading at the start of the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from itertools import pairwise

STAMP = r"(?<!\d)(\d{8})[_T-](\d{6})(?!\d)"
ORDERS = ("%Y%m%d", "%m%d%Y", "%d%m%Y")
YEARS = (2015, 2100)
"""Readings outside these years are other numbers, not dates."""


def checkpoint_times(named: Iterable[tuple[int, str]]) -> list[tuple[int, float]]:
    """Read the times in checkpoint names.

    All names of a run must have the same order of day, month and year, and time must grow with the step.

    Args:
        named: `(step, path)` pairs.

    Returns:
        `(step, seconds since 1970)` by ascending step; empty when the names carry no consistent times.
    """
    found = [
        (step, match.group(1), match.group(2)) for step, path in sorted(named) if (match := re.search(STAMP, path))
    ]
    for order in ORDERS:
        times = [(step, _seconds(day, clock, order)) for step, day, clock in found]
        known = [(step, seconds) for step, seconds in times if seconds is not None]
        ascending = all(a[1] < b[1] and a[0] < b[0] for a, b in pairwise(known))
        if known and len(known) == len(found) and ascending:
            return known
    return []


def _seconds(day: str, clock: str, order: str) -> float | None:
    try:
        moment = datetime.strptime(f"{day} {clock}", f"{order} %H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return moment.timestamp() if YEARS[0] <= moment.year < YEARS[1] else None
