"""A chart in one line of text per curve, with the findings below at their steps."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

from trainclinic.report.chart import Chart, Curve

BLOCKS = "▁▂▃▄▅▆▇█"
BROKEN = "×"
LINE = 12
"""Points from which a row of characters reads as a curve."""
OUTSTANDING = 8.0
"""A value this many times the usual step between neighbours is an event, not noise."""


def spark(curve: Curve, first: float, last: float, width: int, *, log: bool = False) -> str:
    """The curve over the shared axis in `width` characters; `×` where it was not a number, blank where it has ended.

    Each character shows the median of its stretch, or its most extreme value where that stands far out of the noise.
    Between points the line is interpolated, but where the points are few each stands alone: a line would show what
    nobody logged.
    """
    points = [(step, _level(value, log=log)) for step, value in zip(curve.steps, curve.values, strict=True)]
    finite = [value for _, value in points if not math.isnan(value)]
    if not points or not finite:
        return BROKEN * width if points else ""
    low, high = min(finite), max(finite)
    stretches: list[list[float]] = [[] for _ in range(width)]
    broken: set[int] = set()
    for step, value in points:
        column = _column(step, first, last, width)
        if math.isnan(value):
            broken.add(column)
        else:
            stretches[column].append(value)
    noise = statistics.median(abs(b - a) for a, b in itertools.pairwise(finite)) if len(finite) > 1 else 0.0
    cells = [_told(stretch, OUTSTANDING * noise) for stretch in stretches]
    if len(points) >= LINE:
        _fill(cells, broken)
    span = (high - low) or 1.0
    drawn = [" " if v is None else BLOCKS[min(7, int((v - low) / span * 7.999))] for v in cells]
    return "".join(BROKEN if i in broken and cells[i] is None else text for i, text in enumerate(drawn))


def _told(stretch: list[float], far: float) -> float | None:
    if not stretch:
        return None
    middle = statistics.median(stretch)
    extreme = max(stretch, key=lambda value: abs(value - middle))
    return extreme if abs(extreme - middle) > far else middle


def mark_line(chart: Chart, width: int) -> str:
    """Numbers of the findings below their steps; where two meet, the graver one is shown."""
    line = [" "] * width
    order = ("note", "warning", "harmful")
    for mark in sorted(chart.marks, key=lambda m: order.index(m.severity)):
        text = str(mark.number)
        at = min(_column(mark.step, chart.first_step, chart.last_step, width), width - len(text))
        line[at : at + len(text)] = text
    return "".join(line)


def _fill(cells: list[float | None], broken: set[int]) -> None:
    known = [i for i, value in enumerate(cells) if value is not None]
    for left, right in itertools.pairwise(known):
        if any(column in broken for column in range(left + 1, right)):
            continue
        a, b = cells[left], cells[right]
        for column in range(left + 1, right):
            if a is not None and b is not None:
                cells[column] = a + (b - a) * (column - left) / (right - left)


def _level(value: float, *, log: bool) -> float:
    if not log:
        return value
    return math.log10(value) if value > 0 else math.nan


def _column(step: float, first: float, last: float, width: int) -> int:
    return min(width - 1, int((step - first) / ((last - first) or 1.0) * width))


def ends(curve: Curve) -> tuple[float, float]:
    """First and last value of a curve, NaN included."""
    values: Sequence[float] = curve.values
    return values[0], values[-1]
