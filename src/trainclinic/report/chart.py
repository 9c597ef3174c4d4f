"""The chart of a run as plain values: panels over one shared step axis, curves, gaps and marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scale = Literal["linear", "log"]
Role = Literal["train", "eval", "middle", "past"]


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity, already reduced to what a screen can show.

    Attributes:
        name: Name of its series.
        label: What the legend calls it.
        role: How it is drawn: `train` and `eval` are the two voices of a panel, `middle` is the running median of
            a noisy `train` curve, `past` is a pass that was overwritten.
        steps: Ascending steps of the kept points.
        values: Values at these steps; NaN breaks the line.
        dots: Whether single points are shown, because there are few.
    """

    name: str
    label: str
    role: Role
    steps: tuple[float, ...]
    values: tuple[float, ...]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which every logged value was NaN or infinite."""

    first_step: float
    last_step: float
    label: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing on the shared axis.

    Attributes:
        key: Short name, unique in its chart: `loss`, `grad_norm`, `learning_rate`, `speed`.
        title: Heading.
        unit: Unit of all its curves.
        scale: Scale it opens with.
        curves: At least one curve or gap.
        gaps: Stretches without numbers.
    """

    key: str
    title: str
    unit: str
    scale: Scale
    curves: tuple[Curve, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding at its step.

    Attributes:
        step: Where.
        panel: Key of the panel that carries its badge.
        number: Place of the finding in the report, from 1.
        code: Code of the finding.
        severity: `note`, `warning` or `harmful`.
        says: Hover text.
        series: Series it is about; its point at that step gets a ring.
    """

    step: float
    panel: str
    number: int
    code: str
    severity: Literal["note", "warning", "harmful"]
    says: str
    series: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """All panels of one run.

    Attributes:
        axis: What the horizontal axis counts.
        first_step: Its left end.
        last_step: Its right end.
        panels: From top to bottom.
        marks: Findings at their steps.
    """

    axis: Literal["step", "epoch", "row"]
    first_step: float
    last_step: float
    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...] = ()
