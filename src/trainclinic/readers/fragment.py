"""What one reader got out of one file: the raw parts of a record, before files are joined into runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from trainclinic.record.facts import Fact
    from trainclinic.record.parts import Checkpoint, Event, Generation, Result
    from trainclinic.record.run import Axis


@dataclass(slots=True)
class Column:
    """Rows of one quantity in the order they were logged; lists or numpy arrays of equal length.

    Attributes:
        step: Steps, `[n]`.
        value: Values, `[n]`; NaN only where the log says NaN.
        line: Line numbers, `[n]`.
        printed: Digits that the log shows.
        unit: Unit when it differs from the vocabulary's; empty means the vocabulary's.
    """

    step: Sequence[int] = field(default_factory=list)
    value: Sequence[float] = field(default_factory=list)
    line: Sequence[int] = field(default_factory=list)
    printed: Printed = field(default_factory=Printed)
    unit: str = ""

    def add(self, step: int, value: float, line: int) -> None:
        """Append one row (only while the columns are lists)."""
        self.step.append(step)  # type: ignore[attr-defined]
        self.value.append(value)  # type: ignore[attr-defined]
        self.line.append(line)  # type: ignore[attr-defined]

    def where(self, rows: Any) -> Column:
        """The rows that `rows` (a mask or indices, `[n]`) selects, as arrays."""
        step, value, line = (np.asarray(part)[rows] for part in (self.step, self.value, self.line))
        return replace(self, step=step, value=value, line=line)


@dataclass(slots=True)
class Fragment:
    """The yield of one file. A file with several runs gives several fragments; a config file gives one without columns.

    Attributes:
        file: The file's name as the user knows it.
        reader: Name of the reader.
        columns: Rows by canonical or own name.
        axis: What `Column.step` counts.
        label: What distinguishes this run from others in the same file; empty when it is the only one.
        in_loop: Whether it was written inside the training loop: its values stand before any filter or mean, and win
            over those of a log.
    """

    file: str
    reader: str
    columns: dict[str, Column] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    other_facts: list[Fact] = field(default_factory=list)
    versions: list[Fact] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    generations: list[Generation] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    axis: Axis = "step"
    label: str = ""
    in_loop: bool = False

    def column(self, name: str) -> Column:
        """The column of that name, made when it is new."""
        return self.columns.setdefault(name, Column())

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was read."""
        parts = (self.columns, self.facts, self.other_facts, self.versions, self.events, self.generations, self.results)
        return not any(parts) and not self.checkpoints

    @property
    def tells_of_a_run(self) -> bool:
        """Whether it holds what happened (rows, events, samples, results) and not only what was set."""
        return bool(self.columns or self.events or self.generations or self.checkpoints or self.results)
