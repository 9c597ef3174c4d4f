"""The record of one run: everything that the files tell, and where each of them says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from trainclinic.record.facts import Fact, Facts

if TYPE_CHECKING:
    from trainclinic.record.parts import Checkpoint, Damage, Event, Generation, Result
    from trainclinic.record.series import Series

Axis = Literal["step", "epoch", "row"]


@dataclass(frozen=True, slots=True, eq=False)
class RunRecord:
    """One run, whatever tool logged it.

    Attributes:
        name: Short name for tables: the run folder or the log file.
        series: Logged quantities by name.
        facts: Configuration in the project's vocabulary.
        other_facts: Settings under their own names, for which the vocabulary has no word.
        versions: Library versions by distribution name, e.g. `transformers`.
        events: Log lines that carry meaning, in the order of the files.
        checkpoints: Saved weights, by ascending step.
        generations: Texts that the model produced.
        results: Rows of tables without steps: what was measured under which setting.
        damage: What could not be read.
        files: Files that contributed, as the user would name them.
        axis: What `Series.step` counts: optimizer steps, epochs (the log has no steps) or rows (it has neither).
        log_format: Name of the reader that delivered the series.
    """

    name: str
    series: Mapping[str, Series] = field(default_factory=lambda: MappingProxyType({}))
    facts: Facts = field(default_factory=Facts)
    other_facts: tuple[Fact, ...] = ()
    versions: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))
    events: tuple[Event, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    generations: tuple[Generation, ...] = ()
    results: tuple[Result, ...] = ()
    damage: tuple[Damage, ...] = ()
    files: tuple[str, ...] = ()
    axis: Axis = "step"
    log_format: str = ""

    def get(self, name: str) -> Series | None:
        """The series of that name when it has at least one row, else `None`."""
        series = self.series.get(name)
        return series if series is not None and len(series) else None

    def events_of(self, *kinds: str) -> tuple[Event, ...]:
        """Events of the given kinds, in the order of the files."""
        return tuple(event for event in self.events if event.kind in kinds)

    @property
    def last_step(self) -> int | None:
        """The last step of any series, or `None` when nothing was logged."""
        last = [int(series.step.max()) for series in self.series.values() if len(series)]
        return max(last) if last else None
