"""What the script needs of a chart: the reduced points as compact JSON, and further reduction for crowded pages."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from trainclinic.report.chart import Chart, Curve, Panel
from trainclinic.report.html.svg import across_axis

DIGITS = 5
"""Significant digits of hover values; what the log printed rarely has more."""


def chart_json(chart: Chart) -> str:
    """The chart as JSON that may stand inside a script element: `<` is escaped, so that no text can end it."""
    across = across_axis(chart)
    plain = {
        "axis": chart.axis,
        "x": [across.low, across.high],
        "panels": [_panel(panel) for panel in chart.panels],
    }
    text = json.dumps(plain, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def thinned(chart: Chart, columns: int) -> Chart:
    """The same chart with each curve reduced to the lowest and highest point per column; marked points stay."""
    marked = {mark.step for mark in chart.marks}
    panels = tuple(
        dataclasses.replace(panel, curves=tuple(_thin_curve(curve, chart, columns, marked) for curve in panel.curves))
        for panel in chart.panels
    )
    return dataclasses.replace(chart, panels=panels)


def _thin_curve(curve: Curve, chart: Chart, columns: int, marked: set[float]) -> Curve:
    if len(curve.steps) <= 2 * columns:
        return curve
    span = (chart.last_step - chart.first_step) or 1.0
    extremes: dict[tuple[int, str], int] = {}
    keep = {0, len(curve.steps) - 1}
    for row, (step, value) in enumerate(zip(curve.steps, curve.values, strict=True)):
        column = int((step - chart.first_step) / span * (columns - 1))
        if step in marked:
            keep.add(row)
        if math.isnan(value):
            extremes.setdefault((column, "nan"), row)
            continue
        low, high = extremes.setdefault((column, "low"), row), extremes.setdefault((column, "high"), row)
        if value < curve.values[low]:
            extremes[column, "low"] = row
        if value > curve.values[high]:
            extremes[column, "high"] = row
    rows = sorted(keep | set(extremes.values()))
    return dataclasses.replace(
        curve, steps=tuple(curve.steps[row] for row in rows), values=tuple(curve.values[row] for row in rows)
    )


def _panel(panel: Panel) -> dict[str, Any]:
    return {"key": panel.key, "scale": panel.scale, "curves": [_curve(curve) for curve in panel.curves]}


def _curve(curve: Curve) -> dict[str, Any]:
    """Steps as differences: they are small numbers, and they repeat."""
    steps = [_short(step) for step in curve.steps]
    return {
        "label": curve.label,
        "role": curve.role,
        "dots": int(curve.dots),
        "x": [b - a for a, b in zip([0, *steps[:-1]], steps, strict=True)],
        "y": [None if math.isnan(value) else float(f"{value:.{DIGITS}g}") for value in curve.values],
    }


def _short(step: float) -> int | float:
    return int(step) if step == int(step) else step
