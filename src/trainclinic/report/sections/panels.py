"""The chart: which series become which panel, and how a million rows become what a screen can show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trainclinic.report.chart import Chart, Curve, Gap, Mark, Panel, Role, Scale
from trainclinic.report.sections.reduction import gaps_of, reduce_rows
from trainclinic.report.sections.speed import speed_curve

if TYPE_CHECKING:
    from trainclinic.record.series import Floats, Integers, Series
    from trainclinic.report.model import FindingEntry
    from trainclinic.signals.measured import Measured

COLUMNS = 900
"""Pixel columns of a chart; a wide screen shows no more, and the page stays small."""
NOISY = frozenset({"loss", "grad_norm"})
MIDDLE_ROWS = 480
MIDDLE_BINS = 120
"""Bins of the running median: about 8 pixels each, wide enough to be smooth and narrow enough to show a bend."""
FEW_POINTS = 60
"""Curves with at most this many points show them as dots: an evaluation every 500 steps is not a line."""
GAP_PIXELS = 4
"""Gaps closer than this are drawn as one; their hatching could not be told apart."""
MARKS_PER_FINDING = 4
MARKS = 48
SHOWN_PASSES = 3
"""Overwritten passes that are drawn beside the final history, the latest first."""
LOG_RATIO = 12.0
"""A positive curve whose largest value is this many times its median opens on a log scale: linear would look flat."""


class _Plan(NamedTuple):
    """A panel before it is known whether the run has anything for it."""

    key: str
    title: str
    scale: Scale
    train: tuple[str, ...]
    held_out: tuple[str, ...] = ()


_PLANS = (
    _Plan("loss", "Loss", "linear", ("train/loss",), ("eval/loss",)),
    _Plan("grad_norm", "Gradient norm", "log", ("train/grad_norm",)),
    _Plan("learning_rate", "Learning rate", "linear", ("train/learning_rate",)),
    _Plan("reward", "Reward", "linear", ("reward/mean", "reward/margin")),
    _Plan("loss_scale", "Loss scale", "log", ("scale/loss_scale",)),
)
_PANEL_OF_PREFIX = {
    "train/grad_norm": "grad_norm",
    "train/learning_rate": "learning_rate",
    "speed/": "speed",
    "time/": "speed",
    "memory/": "speed",
    "scale/": "loss_scale",
    "reward/": "reward",
}
_LABELS = {"train/loss": "train", "eval/loss": "evaluation", "train/grad_norm": "gradient norm"}


def compose_chart(measured: Measured, findings: Sequence[FindingEntry], columns: int = COLUMNS) -> Chart | None:
    """The panels of a run over its shared axis, or `None` when nothing can be drawn.

    Args:
        measured: The run.
        findings: Its present findings, in the order of the report: their place is the number on the badge.
        columns: Pixel columns to reduce each curve to.
    """
    record = measured.record
    shown = [record.get(name) for plan in _PLANS for name in (*plan.train, *plan.held_out)]
    steps = [(int(s.step.min()), int(s.step.max())) for s in shown if s is not None]
    speeds = speed_curve(measured)
    if speeds is not None:
        steps.append((int(speeds[0].min()), int(speeds[0].max())))
    if not steps:
        return None
    first, last = min(low for low, _ in steps), max(record.last_step or 0, *(high for _, high in steps))
    marked = sorted({e.step for f in findings for e in f.evidence if e.step is not None})
    canvas = _Canvas(first, max(last, first + 1), columns, np.asarray(marked, dtype=np.int64))
    panels = [panel for plan in _PLANS if (panel := _panel(measured, plan, canvas))]
    if speeds is not None:
        panels.insert(min(3, len(panels)), _speed_panel(*speeds, canvas))
    if not panels:
        return None
    keys = [panel.key for panel in panels]
    return Chart(record.axis, first, last, tuple(panels), _marks(findings, keys, canvas))


class _Canvas(NamedTuple):
    first: int
    last: int
    columns: int
    marked: np.ndarray[tuple[int], np.dtype[np.int64]]


def _panel(measured: Measured, plan: _Plan, canvas: _Canvas) -> Panel | None:
    curves: list[Curve] = []
    gaps: list[Gap] = []
    units = []
    for name in (*plan.train, *plan.held_out):
        series = measured.record.get(name)
        if series is None:
            continue
        units.append(series.unit)
        final = series.final()
        curves.extend(_past_passes(series, canvas))
        curves.append(_curve(final, "eval" if name in plan.held_out else "train", canvas))
        curves.extend(_middle(final) if plan.key in NOISY else ())
        gaps.extend(gaps_of(final.step, final.value, GAP_PIXELS * (canvas.last - canvas.first) / canvas.columns))
    if not curves:
        return None
    unit = measured.objective.loss_unit if plan.key == "loss" else units[0]
    unit = "" if unit == "1" else unit
    return Panel(plan.key, plan.title, unit, _scale(plan.scale, curves), tuple(curves), tuple(gaps))


def _curve(series: Series, role: Role, canvas: _Canvas) -> Curve:
    rows = reduce_rows(series.step, series.value, canvas.first, canvas.last, canvas.columns, canvas.marked)
    values = series.value[rows]
    return Curve(
        name=series.name,
        label="overwritten" if role == "past" else _label(series),
        role=role,
        steps=tuple(series.step[rows].tolist()),
        values=tuple(np.where(np.isfinite(values), values, np.nan).tolist()),
        dots=rows.size <= FEW_POINTS,
    )


def _middle(series: Series) -> list[Curve]:
    """The running median of a curve with more rows than an eye can follow; the curve itself stays visible behind it."""
    finite = series.finite()
    if len(finite) < MIDDLE_ROWS:
        return []
    bins = np.array_split(np.arange(len(finite)), MIDDLE_BINS)
    middle = tuple(float(np.median(finite.value[rows])) for rows in bins)
    steps = tuple(float(finite.step[rows[rows.size // 2]]) for rows in bins)
    return [Curve(series.name, f"{_label(series)}, running median", "middle", steps, middle)]


def _label(series: Series) -> str:
    return _LABELS.get(series.name, series.name.partition("/")[2].replace("_", " ") or series.name)


def _past_passes(series: Series, canvas: _Canvas) -> list[Curve]:
    """The passes that a resume overwrote, so that nothing that was logged is hidden."""
    final = int(series.segment[-1])
    narrow = canvas._replace(columns=max(60, canvas.columns // 4))
    return [
        _curve(series.where(series.segment == number), "past", narrow)
        for number in range(max(0, final - SHOWN_PASSES), final)
    ]


def _scale(wanted: Scale, curves: Iterable[Curve]) -> Scale:
    values = np.asarray([v for curve in curves for v in curve.values], dtype=np.float64)
    values = values[np.isfinite(values)]
    if not values.size or values.min() < 0 or not (values > 0).any():
        return "linear"
    positive = values[values > 0]
    if wanted == "log":
        return "log"
    wide = positive.size == values.size and float(positive.max()) > LOG_RATIO * float(np.median(positive))
    return "log" if wide else "linear"


def _speed_panel(steps: Integers, values: Floats, canvas: _Canvas) -> Panel:
    """Steps per second as measured between rows; never a running mean, which hides both stalls and recoveries."""
    rows = reduce_rows(steps, values, canvas.first, canvas.last, canvas.columns, canvas.marked)
    curve = Curve(
        "speed", "between rows", "train", tuple(steps[rows].tolist()), tuple(values[rows].tolist()), rows.size <= 2
    )
    return Panel("speed", "Instantaneous speed", "steps/s", _scale("linear", [curve]), (curve,))


def _marks(findings: Sequence[FindingEntry], panels: list[str], canvas: _Canvas) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for number, finding in enumerate(findings, start=1):
        seen: set[int] = set()
        for evidence in finding.evidence:
            step = evidence.step
            if step is None or step in seen or not canvas.first <= step <= canvas.last:
                continue
            if len(seen) == MARKS_PER_FINDING:
                break
            seen.add(step)
            panel = _panel_of(evidence.series, panels)
            says = f"{finding.code} {finding.slug.replace('-', ' ')}: {evidence.says}"
            marks.append(Mark(step, panel, number, finding.code, finding.severity, says, evidence.series))
    return tuple(marks[:MARKS])


def _panel_of(series: str, panels: list[str]) -> str:
    for prefix, key in _PANEL_OF_PREFIX.items():
        if series.startswith(prefix) and key in panels:
            return key
    return panels[0]
