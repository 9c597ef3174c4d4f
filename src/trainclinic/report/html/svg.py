"""The chart as SVG that scales to any width: curves stretch, text, dots and line widths do not.

Each panel is an outer drawing without a view box, whose children are placed in percent, and an inner one that stretches
its 900 columns over the width. So one file fits a phone and a wide screen, and needs no script to be read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from trainclinic.report.chart import Chart, Curve, Gap, Mark, Panel
from trainclinic.report.html.axis import Axis, tick_text, value_axis

WIDTH = 900
HEIGHTS = {"loss": 260}
HEIGHT = 120
ROLES = ("past", "train", "middle", "eval")
"""Drawn in this order: the evaluation on top."""
FROM_ZERO = frozenset({"learning_rate", "speed"})
AIR = 0.012
"""Free share of the width at either end."""
TICKS = 7
EDGE = 0.03
"""Labels nearer to an end than this share grow inwards, away from what stands beside the axis."""
SPARK_DOTS = 6
"""A spark of so few points shows each: a line alone would promise more."""
LANE = 22
"""Height of one row of badges above a panel."""
BADGE_SHARE = 0.06
"""Badges closer than this share of a phone's width would touch; the script lays them out again for the real width."""


def panel_height(panel: Panel) -> int:
    """Height of a panel in pixels."""
    return HEIGHTS.get(panel.key, HEIGHT)


def panel_axis(panel: Panel) -> Axis:
    """The value axis that a panel opens with."""
    values = [value for curve in panel.curves for value in curve.values]
    return value_axis(values, panel.scale, from_zero=panel.key in FROM_ZERO)


def _ticks(panel: Panel, axis: Axis) -> list[float]:
    """Ticks of the value axis; a panel without one finite value has no scale to show."""
    if not any(math.isfinite(value) for curve in panel.curves for value in curve.values):
        return []
    return axis.ticks(max(3, panel_height(panel) // 45))


def across_axis(chart: Chart) -> Axis:
    """The shared horizontal axis, with a little air so that nothing at the ends is cut."""
    air = AIR * (chart.last_step - chart.first_step) or 0.5
    return Axis(chart.first_step - air, chart.last_step + air)


def y_axis(panel: Panel) -> Markup:
    """The column of tick labels left of a panel."""
    height, axis = panel_height(panel), panel_axis(panel)
    labels = [
        Markup('<text x="100%" y="{}" dy=".32em">{}</text>').format(
            _px(height * (1 - axis.share(tick))), tick_text(tick)
        )
        for tick in _ticks(panel, axis)
    ]
    return Markup('<svg class="yaxis" width="100%" height="{}" aria-hidden="true">{}</svg>').format(
        height, Markup("").join(labels)
    )


def x_axis(chart: Chart) -> Markup:
    """The shared row of tick labels below all panels."""
    axis = across_axis(chart)
    labels = []
    for tick in axis.whole_ticks(TICKS):
        share = axis.share(tick)
        anchor = "start" if share < EDGE else "end" if share > 1 - EDGE else "middle"
        labels.append(
            Markup('<text x="{}%" y="14" text-anchor="{}">{}</text>').format(_px(100 * share), anchor, tick_text(tick))
        )
    return Markup('<svg class="xaxis" width="100%" height="18" aria-hidden="true">{}</svg>').format(
        Markup("").join(labels)
    )


def plot(chart: Chart, panel: Panel, name: str) -> Markup:
    """The drawing of one panel with grid, gaps, curves and marks; `name` is its accessible name."""
    height = panel_height(panel)
    across, up = across_axis(chart), panel_axis(panel)
    grid = "".join(
        [f"M0,{_px(height * (1 - up.share(tick)))}H{WIDTH}" for tick in _ticks(panel, up)]
        + [f"M{_px(WIDTH * across.share(tick))},0V{height}" for tick in across.whole_ticks(TICKS)]
    )
    smoothed = {curve.name for curve in panel.curves if curve.role == "middle"}
    voices = sorted(enumerate(panel.curves), key=lambda pair: ROLES.index(pair[1].role))
    curves = [_curve(index, curve, across, up, height, noisy=curve.name in smoothed) for index, curve in voices]
    return Markup(
        '<svg class="plot" width="100%" height="{height}" role="img" aria-label="{name}">'
        '<svg class="curves" viewBox="0 0 {width} {height}" width="100%" height="100%" '
        'preserveAspectRatio="none"><path class="grid" d="{grid}"/>{curves}</svg>{gaps}<g class="marks">{marks}</g>'
        '<line class="cursor" y1="0" y2="100%" visibility="hidden"/>'
        '<rect class="brush" y="0" height="100%" width="0"/></svg>'
    ).format(
        height=height,
        width=WIDTH,
        name=name,
        grid=grid,
        gaps=Markup("").join(_gap(gap, across) for gap in panel.gaps),
        curves=Markup("").join(curves),
        marks=Markup("").join(_mark(mark, panel, across, up) for mark in chart.marks),
    )


def lane(chart: Chart, panel: Panel, prefix: str) -> Markup:
    """The numbered badges above a panel, each a link to its finding; empty when the panel carries none."""
    across = across_axis(chart)
    own = sorted((mark for mark in chart.marks if mark.panel == panel.key), key=lambda mark: mark.step)
    if not own:
        return Markup("")
    rows = _rows([across.share(mark.step) for mark in own])
    badges = [
        Markup(
            '<a class="badge {severity}" href="#{prefix}f{number}" data-step="{step}" data-row="{row}" '
            'aria-label="Finding {number}, {says}"><title>{says}</title>'
            '<circle cx="{x}%" cy="{y}" r="9"/><text x="{x}%" y="{y}" dy=".35em">{number}</text></a>'
        ).format(
            severity=mark.severity,
            prefix=prefix,
            number=mark.number,
            step=_px(mark.step),
            row=row,
            says=_hover(chart, mark),
            x=_px(100 * across.share(mark.step)),
            y=LANE * row + 11,
        )
        for mark, row in zip(own, rows, strict=True)
    ]
    return Markup('<svg class="lane" width="100%" height="{}">{}</svg>').format(
        LANE * (max(rows) + 1), Markup("").join(badges)
    )


def sparkline(chart: Chart, width: int = 100, height: int = 24) -> Markup:
    """The first panel's curve as a word-sized drawing."""
    panel = chart.panels[0]
    across, up = across_axis(chart), panel_axis(panel)
    curve = max(panel.curves, key=lambda c: (c.role != "past", len(c.steps)))
    path = line_path(curve, across, up, width, height)
    dots = _dots(curve, across, up, width, height) if len(curve.steps) <= SPARK_DOTS else ""
    return Markup(
        '<svg class="spark" width="{0}" height="{1}" viewBox="0 0 {0} {1}" aria-hidden="true"><path d="{2}"/>{3}</svg>'
    ).format(width, height, path, Markup('<path class="dots" d="{}"/>').format(dots) if dots else "")


def line_path(curve: Curve, across: Axis, up: Axis, width: float, height: float) -> str:
    """Path data of a curve; points that lie on the line between their neighbours are left out."""
    parts: list[str] = []
    kept: list[tuple[float, float]] = []
    for step, value in zip(curve.steps, curve.values, strict=True):
        if math.isnan(value):
            parts.append(_polyline(kept))
            kept = []
            continue
        point = (round(width * across.share(step), 1), round(height * (1 - up.share(value)), 1))
        if len(kept) > 1 and _on_line(kept[-2], kept[-1], point):
            kept[-1] = point
        elif not kept or point != kept[-1]:
            kept.append(point)
    parts.append(_polyline(kept))
    return "".join(parts)


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    if not points:
        return ""
    head, *rest = [f"{x:g},{y:g}" for x, y in points]
    return f"M{head}" + ("L" + " ".join(rest) if rest else "h0")


def _on_line(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether `b` lies on the segment from `a` to `c`, to a twentieth of a pixel in height, and between them."""
    if not a[0] < b[0] < c[0]:
        return False
    return abs(a[1] + (c[1] - a[1]) * (b[0] - a[0]) / (c[0] - a[0]) - b[1]) < 0.05


def _curve(index: int, curve: Curve, across: Axis, up: Axis, height: int, *, noisy: bool) -> Markup:
    dots = _dots(curve, across, up, WIDTH, height) if curve.dots else ""
    return Markup('<g class="curve {}" data-index="{}"><path class="line" d="{}"/>{}</g>').format(
        "train noisy" if noisy and curve.role == "train" else curve.role,
        index,
        line_path(curve, across, up, WIDTH, height),
        Markup('<path class="dots" d="{}"/>').format(dots) if dots else "",
    )


def _dots(curve: Curve, across: Axis, up: Axis, width: float, height: float) -> str:
    points = [(s, v) for s, v in zip(curve.steps, curve.values, strict=True) if not math.isnan(v)]
    return "".join(f"M{_px(width * across.share(s))},{_px(height * (1 - up.share(v)))}h0" for s, v in points)


def _gap(gap: Gap, across: Axis) -> Markup:
    left, right = 100 * across.share(gap.first_step), 100 * across.share(gap.last_step)
    return Markup(
        '<g class="gap" data-from="{}" data-to="{}"><rect x="{}%" width="{}%" y="0" height="100%"/>'
        '<text x="{}%" y="13" dx="3">{}</text></g>'
    ).format(
        _px(gap.first_step), _px(gap.last_step), _px(left), _px(max(0.3, right - left)), _px(left), escape(gap.label)
    )


def _mark(mark: Mark, panel: Panel, across: Axis, up: Axis) -> Markup:
    x = _px(100 * across.share(mark.step))
    own = mark.panel == panel.key
    ring = Markup("")
    value = _value_at(panel, mark) if own else None
    if value is not None:
        y = _px(100 * (1 - up.share(value)))
        ring = Markup('<circle cx="{}%" cy="{}%" r="5" data-value="{}"/>').format(x, y, f"{value:.6g}")
    return Markup('<g class="mark {}{}" data-step="{}"><line x1="{}%" x2="{}%" y1="0" y2="100%"/>{}</g>').format(
        mark.severity, "" if own else " elsewhere", _px(mark.step), x, x, ring
    )


def _value_at(panel: Panel, mark: Mark) -> float | None:
    for curve in panel.curves:
        if curve.name == mark.series and mark.step in curve.steps:
            value = curve.values[curve.steps.index(mark.step)]
            return None if math.isnan(value) else value
    return None


def _hover(chart: Chart, mark: Mark) -> str:
    return f"{chart.axis} {tick_text(mark.step)}: {mark.says}"


def _rows(shares: Sequence[float]) -> list[int]:
    """Row of each badge so that no two in a row touch; at most four rows, then they overlap."""
    ends: list[float] = []
    rows = []
    for share in shares:
        row = next((i for i, end in enumerate(ends) if share - end >= BADGE_SHARE), len(ends))
        row = min(row, 3)
        if row == len(ends):
            ends.append(share)
        ends[row] = share
        rows.append(row)
    return rows


def _px(value: float) -> str:
    return f"{round(value, 2):.10g}"
