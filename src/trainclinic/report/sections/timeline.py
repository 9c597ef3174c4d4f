"""The timeline: few rows that tell the run, with what changed and a word for it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.wording import words
from trainclinic.report.model import FindingEntry, SeverityWord, TimelineRow
from trainclinic.report.sections.speed import SpeedAt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

ROWS = 40
REGULAR = 20
"""Rows taken at regular distances (evaluations when there are any); the rest is for findings and extremes."""
LEVEL = 0.01
"""A change within 1 % of the value reads as level: the noise of an evaluation on a few hundred sequences."""
RETURN = 0.05
"""An excursion worth saying that the run came back from it, as a share of the level before."""
SEVERITIES: tuple[SeverityWord, ...] = ("note", "warning", "harmful")


class Column:
    """Values by step, for tables: exact or from the last row before.

    Args:
        steps: Ascending, `[n]`.
        values: `[n]`.
    """

    def __init__(self, steps: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        self.steps = steps
        self.values = values
        self.reach = float(np.median(np.diff(steps))) if steps.size > 1 else 0.0

    @classmethod
    def of(cls, series: Series | None) -> Column:
        """The column of a series; an empty one for `None`."""
        if series is None:
            return cls(np.empty(0, np.int64), np.empty(0))
        final = series.final()
        return cls(final.step, final.value)

    def at(self, step: int) -> float | None:
        """The value logged for exactly this step."""
        row = int(np.searchsorted(self.steps, step))
        return float(self.values[row]) if row < self.steps.size and int(self.steps[row]) == step else None

    def near(self, step: int) -> float | None:
        """The value at this step, or the last one before it within one usual distance between rows."""
        row = int(np.searchsorted(self.steps, step, side="right")) - 1
        if row < 0 or step - int(self.steps[row]) > self.reach:
            return None
        return float(self.values[row])


def timeline(measured: Measured, findings: Sequence[FindingEntry]) -> tuple[TimelineRow, ...]:
    """At most about forty rows: first, last, evaluations, the lowest evaluation and the steps of findings."""
    train, held_out = measured.train_loss, measured.eval_loss
    driver = held_out if held_out is not None else train
    if driver is None:
        return ()
    marked = _finding_steps(findings)
    steps = _chosen_steps(driver, train, list(marked))
    best = _lowest(held_out)
    columns = {
        "train_loss": Column.of(train),
        "eval_loss": Column.of(held_out),
        "grad_norm": Column.of(measured.record.get("train/grad_norm")),
        "learning_rate": Column.of(measured.record.get("train/learning_rate")),
    }
    speed_at = SpeedAt(measured)
    logged = set(driver.step.tolist())
    rows: list[TimelineRow] = []
    for step in steps:
        regular = step in logged
        values = {name: column.near(step) if regular else column.at(step) for name, column in columns.items()}
        values["eval_loss"] = columns["eval_loss"].at(step)
        values["steps_per_second"] = speed_at(step)
        rows.append(_row(step, values, rows, marked.get(step, []), _place(train, held_out, step), lowest=step == best))
    return tuple(rows)


def _row(
    step: int,
    values: dict[str, float | None],
    before: list[TimelineRow],
    here: list[FindingEntry],
    place: tuple[str | None, int | None],
    *,
    lowest: bool,
) -> TimelineRow:
    train_change = _change(values["train_loss"], [row.train_loss for row in before])
    eval_change = _change(values["eval_loss"], [row.eval_loss for row in before])
    path, line = place
    if path is None:
        path, line = next(((e.path, e.line) for f in here for e in f.evidence if e.step == step), (None, None))
    status = [words(finding.slug) for finding in here[:2]]
    if not status:
        status.append(_movement(values, before, train_change, eval_change))
    if lowest and len(before) > 1:
        status.append("lowest evaluation")
    return TimelineRow(
        step=step,
        **values,
        train_change=train_change,
        eval_change=eval_change,
        status="; ".join(filter(None, status)),
        severity=max((f.severity for f in here), key=SEVERITIES.index, default=None),
        codes=tuple(dict.fromkeys(f.code for f in here)),
        path=path,
        line=line,
    )


def _movement(
    values: dict[str, float | None], before: list[TimelineRow], train_change: float | None, eval_change: float | None
) -> str:
    name, change = ("train_loss", train_change) if values["eval_loss"] is None else ("eval_loss", eval_change)
    value = values[name]
    if value is None:
        return ""
    if not math.isfinite(value):
        return "not a number"
    if not before:
        return "start"
    if change is None or not math.isfinite(change):
        return ""
    if abs(change) <= LEVEL * abs(value):
        return "level"
    if (step := _same_level_before(value, name, before)) is not None:
        return f"back to the level of step {step:,}"
    return "falling" if change < 0 else "rising"


def _same_level_before(value: float, name: str, before: list[TimelineRow]) -> int | None:
    """The row before an excursion that this value came back from, or `None` when the row before was no excursion."""
    known = [(r.step, v) for r in before if (v := getattr(r, name)) is not None]
    if len(known) < 2:
        return None
    (step, earlier), (_, excursion) = known[-2:]
    away = excursion - earlier > RETURN * abs(earlier)
    return step if away and abs(value - earlier) <= LEVEL * abs(earlier) else None


def _change(value: float | None, before: list[float | None]) -> float | None:
    known = [old for old in before if old is not None]
    return value - known[-1] if value is not None and known else None


def _finding_steps(findings: Sequence[FindingEntry]) -> dict[int, list[FindingEntry]]:
    found: dict[int, list[FindingEntry]] = defaultdict(list)
    for finding in findings:
        for evidence in finding.evidence[:3]:
            if evidence.step is not None and finding not in found[evidence.step]:
                found[evidence.step].append(finding)
    return found


def _chosen_steps(driver: Series, train: Series | None, marked: list[int]) -> list[int]:
    """Ends and regular rows of the driver, its highest and lowest, and as many marked steps as still fit."""
    picks = np.unique(np.linspace(0, len(driver) - 1, min(REGULAR, len(driver))).round().astype(np.int64))
    steps = set(driver.step[picks].tolist())
    finite = driver.finite()
    if len(finite):
        steps |= {int(finite.step[finite.value.argmin()]), int(finite.step[finite.value.argmax()])}
    if train is not None:
        steps |= {int(train.step[0]), int(train.step[-1])}
    low, high = min(steps), max(steps)
    for step in marked:
        if len(steps) < ROWS and low <= step <= high:
            steps.add(step)
    return sorted(steps)


def _lowest(held_out: Series | None) -> int | None:
    finite = held_out.finite() if held_out is not None else None
    if finite is None or len(finite) < 2:
        return None
    return int(finite.step[finite.value.argmin()])


def _place(train: Series | None, held_out: Series | None, step: int) -> tuple[str | None, int | None]:
    for series in (held_out, train):
        row = series.row_at(step) if series is not None else None
        if series is not None and row is not None:
            source = series.source(row)
            return source.path, source.line
    return None, None
