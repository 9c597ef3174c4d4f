"""A table of numbers, whatever file it came from, to fragments: which column counts steps, and what the others hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.fragment import Column, Fragment
from trainclinic.readers.tables.column_names import (
    OF_EVALUATION,
    ColumnMeaning,
    column_meaning,
    is_epoch_name,
    meanings_of,
    step_column,
)
from trainclinic.record.facts import Fact
from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.file import LogFile
    from trainclinic.record.run import Axis

    Rows = NDArray[np.int64]
    Values = NDArray[np.float64]

MAX_COLUMNS = 5_000
_PLANS = {"total_steps": "planned_steps", "max_steps": "planned_steps", "total_epochs": "planned_epochs"}
_ONCE_PER_STEP = {"train/epoch", "train/tokens", "time/elapsed", "time/remaining", "time/stamp"}
"""What evaluation rows repeat from the training row of their step: once is enough."""
_ZERO_MEANS_UNCOUNTED = {"train/tokens", "speed/tokens_per_second"}
"""LLaMA-Factory writes 0 in every row when it does not count tokens."""
_NO_STEP = int(np.iinfo(np.int64).min)
_EARLIEST_STAMP = 1e9
"""Seconds since 1970 of the year 2001: no training run lasts that long, so such a value is a clock reading."""


@dataclass(slots=True)
class Table:
    """Columns of numbers that were logged row by row; a row need not fill every column.

    Attributes:
        file: Where it came from.
        reader: Name of the reader.
        lines: Line of each row, `[rows]`; empty when lines mean nothing.
        labels: Run of each row by name, when the file holds several runs.
        printed: Digits that the file shows, by column.
    """

    file: LogFile
    reader: str
    lines: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: NDArray[np.str_] | None = None
    printed: dict[str, Printed] = field(default_factory=dict)
    _parts: dict[str, list[tuple[Rows, Values]]] = field(default_factory=dict)

    def add(self, column: str, rows: Rows, values: Values) -> None:
        """Append values of a column that stand in the given rows (counted from 0); too many columns are counted."""
        if column not in self._parts and len(self._parts) >= MAX_COLUMNS:
            self.file.count_damage(f"column beyond the first {MAX_COLUMNS:,} was not read")
            return
        self._parts.setdefault(column, []).append((rows, values))

    def discard(self, column: str) -> None:
        """Forget a column."""
        self._parts.pop(column, None)

    def mark_evaluation(self, rows: Rows) -> None:
        """Say which rows hold evaluations: their losses and accuracies become columns of their own."""
        if not rows.size:
            return
        marked = np.zeros(1 + max(int(self.column(name)[0].max()) for name in self.names), dtype=bool)
        marked[rows[rows < marked.size]] = True
        for name in self.names:
            if column_meaning(name).name in OF_EVALUATION:
                places, values = self.column(name)
                held_out = marked[places]
                self._parts[name] = [(places[~held_out], values[~held_out])]
                self.add(f"eval_{name}", places[held_out], values[held_out])
                self.printed[f"eval_{name}"] = self.printed.get(name, Printed())

    def part(self, names: dict[str, str]) -> Table:
        """A table with some of the columns under new names (new name by old name), over the same rows."""
        printed = {new: self.printed[old] for old, new in names.items() if old in self.printed}
        parts = {new: self._parts[old] for old, new in names.items() if old in self._parts}
        return Table(self.file, self.reader, self.lines, self.labels, printed, parts)

    @property
    def names(self) -> list[str]:
        """Columns with at least one value, in order of first mention."""
        return [name for name, parts in self._parts.items() if any(rows.size for rows, _ in parts)]

    def column(self, name: str) -> tuple[Rows, Values]:
        """Rows, ascending, and values of a column."""
        parts = self._parts[name]
        rows = np.concatenate([part[0] for part in parts])
        values = np.concatenate([part[1] for part in parts])
        if rows.size > 1 and (np.diff(rows) < 0).any():
            order = np.argsort(rows, kind="stable")
            rows, values = rows[order], values[order]
        return rows, values


def fragments_of(table: Table) -> list[Fragment]:
    """One fragment per run of the table, with canonical columns over the best axis that the table has."""
    names = table.names
    size = 1 + max((int(table.column(name)[0].max()) for name in names), default=-1)
    if not size:
        return []
    axis, step, used = _axis(table, names, size)
    kept = [name for name in names if name not in {used, "_step"} and name not in _PLANS]
    meanings = dict(zip(kept, meanings_of(kept), strict=True))
    if used == "current_steps" and "throughput" in meanings:  # LLaMA-Factory: tokens since the start by elapsed time
        meanings["throughput"] = ColumnMeaning("speed/tokens_per_second")
    lines = table.lines if table.lines.size else np.zeros(size, np.int64)
    labels = [""] if table.labels is None else sorted(set(table.labels.tolist()))
    fragments = []
    for label in labels:
        fragment = Fragment(file=table.file.name, reader=table.reader, axis=axis, label=label)
        chosen = None if table.labels is None else table.labels == label
        for name in kept:
            _fill(fragment, table, (name, meanings[name]), step, lines, chosen)
        fragment.facts += _plans(table, names, chosen)
        fragments.append(fragment)
    return [fragment for fragment in fragments if fragment.columns]


def _fill(
    fragment: Fragment,
    table: Table,
    named: tuple[str, ColumnMeaning],
    step: Rows,
    lines: NDArray[np.int64],
    chosen: NDArray[np.bool_] | None,
) -> None:
    """Add one column of the table to the fragment of the chosen rows."""
    name, meaning = named
    rows, values = table.column(name)
    usable = step[rows] != _NO_STEP if chosen is None else (step[rows] != _NO_STEP) & chosen[rows]
    if not usable.all():
        rows, values = rows[usable], values[usable]
    if not rows.size:
        return
    if meaning.name in _ONCE_PER_STEP and rows.size > 1:
        first = np.append(True, np.diff(step[rows]) != 0)
        rows, values = rows[first], values[first]
    if meaning.name in _ZERO_MEANS_UNCOUNTED and not values.any():
        return
    target = _by_value(meaning.name, values * meaning.factor)
    taken = target in fragment.columns
    printed = table.printed.get(name, Printed()) if meaning.factor == 1.0 else Printed()
    column: Any = {"step": step[rows], "value": values * meaning.factor, "line": lines[rows]}
    fragment.columns[name if taken else target] = Column(**column, printed=printed, unit=meaning.unit)


def _by_value(name: str, values: Values) -> str:
    """`time/elapsed` or `time/stamp`, whichever the values show: both are called `time` in logs."""
    if name not in {"time/elapsed", "time/stamp"}:
        return name
    finite = values[np.isfinite(values)]
    return "time/stamp" if finite.size and float(np.median(finite)) > _EARLIEST_STAMP else "time/elapsed"


def _axis(table: Table, names: list[str], size: int) -> tuple[Axis, Rows, str | None]:
    """The axis, the step of each row (`_NO_STEP` where there is none), and the column that it was taken from."""
    epochs = next((name for name in names if is_epoch_name(name)), None)
    epoch = None if epochs is None else _dense(table, epochs, size)
    steps = step_column(names)
    if steps is not None:
        values = _without_impossible(_dense(table, steps, size))
        if _counts(values) and not _restarts_each_epoch(values, epoch):
            return "step", _filled(table, values), steps
    if epoch is not None and _counts(epoch) and np.unique(epoch[np.isfinite(epoch)]).size * 2 > size:
        return "epoch", _filled(table, epoch), epochs
    return "row", np.arange(1, size + 1, dtype=np.int64), None


def _dense(table: Table, name: str, size: int) -> Values:
    out = np.full(size, np.nan)
    rows, values = table.column(name)
    out[rows] = values
    return out


def _without_impossible(values: Values) -> Values:
    """A damaged step beyond 2**53 becomes -1, which is no step either, and does not spoil the other rows."""
    impossible = np.abs(values) >= 2.0**53
    return np.where(impossible, -1.0, values) if 0 < int(impossible.sum()) * 2 < values.size else values


def _counts(values: Values) -> bool:
    """Whether a column holds whole numbers that can be steps."""
    known = values[np.isfinite(values)]
    return bool(known.size) and bool((known == np.rint(known)).all()) and float(np.abs(known).max()) < 2.0**53


def _restarts_each_epoch(step: Values, epoch: Values | None) -> bool:
    """Whether a counter goes back to its start whenever the epoch rises: then it counts batches within the epoch."""
    if epoch is None:
        return False
    both = np.isfinite(step) & np.isfinite(epoch)
    falls = np.diff(step[both]) < 0
    rises = np.diff(epoch[both]) > 0
    return bool(falls.any()) and bool((falls <= rises).all()) and int(falls.sum()) * 2 > int(rises.sum())


def _filled(table: Table, values: Values) -> Rows:
    """Steps as integers; a row without one takes the step of the row before it, and such rows are counted."""
    known = np.isfinite(values)
    if known.all():
        return values.astype(np.int64)
    last = np.maximum.accumulate(np.where(known, np.arange(values.size), -1))
    missing = int((~known).sum())
    first = int(np.flatnonzero(~known)[0])
    line = int(table.lines[first]) if table.lines.size else None
    table.file.count_damage("row without a step, read as belonging to the step before it", line, count=missing)
    return np.where(last >= 0, np.nan_to_num(values[last]), _NO_STEP).astype(np.int64)


def _plans(table: Table, names: list[str], chosen: NDArray[np.bool_] | None) -> list[Fact]:
    """Columns that repeat the plan of the run in every row, as facts."""
    facts = []
    for name in names:
        if name not in _PLANS:
            continue
        rows, values = table.column(name)
        values = values if chosen is None else values[chosen[rows]]
        if values.size and np.isfinite(values[-1]) and values[-1] > 0:
            line = int(table.lines[rows[-1]]) if table.lines.size else None
            facts.append(Fact(_PLANS[name], float(values[-1]), table.file.source(line, name), "log"))
    if {"current_steps", "total_steps", "percentage"} <= set(names):
        facts.append(Fact("framework", "LLaMA-Factory", table.file.source(None, "current_steps"), "log"))
    return facts
