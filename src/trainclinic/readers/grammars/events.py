"""Telling lines of a log as events: recognised, counted when they repeat, placed at a step when one is known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from trainclinic.readers.checks.claims import HINTS, MOST_LINES, claims
from trainclinic.readers.checks.line import Line
from trainclinic.readers.checks.outcomes import Outcome, lone_losses, outcomes
from trainclinic.readers.folders.checkpoint_names import checkpoint_step
from trainclinic.readers.grammars.event_patterns import (
    BEFORE_AFTER,
    CHECKPOINT,
    ELEMENTS_NAN,
    EXCEPTION,
    NORMS_ABOVE,
    PATTERNS,
    RAISED,
    Pattern,
    number_of,
)
from trainclinic.readers.redact import redact
from trainclinic.record.parts import Event, Result

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

MAX_SAYS = 400
MAX_EVENTS = 2_000
"""Of one kind; a log that repeats a warning with new numbers a million times says it often enough."""
MOST_NOTED = 300
"""Lines of a log that may be part of a report; asking each of them takes 0.3 ms."""
_WEAKER = {"gradient-overflow", "warning", "deprecated-setting"}
"""Kinds that say nothing more when the line is an event of another kind already."""
_DIGITS = re.compile(r"0x[0-9a-f]+|[\d.,]+")


@dataclass(slots=True)
class SeenEvent:
    """An event before its step is known.

    Attributes:
        event: The event.
        order: Position in the file, to be compared with the rows'.
    """

    event: Event
    order: int


@dataclass(slots=True)
class SeenCheckpoint:
    """A mention of saved weights: step when the name tells it, path, line and position in the file."""

    step: int | None
    path: str
    line: int
    order: int


@dataclass(slots=True)
class EventCollector:
    """Looks at the lines that are no rows.

    Attributes:
        file: The file, for sources.
        is_report: The whole file tells of a check, so every line may be part of what it says.
        seen: Events so far.
        checkpoints: Mentions of saved weights.
        count: Number of lines that were events or the beginning of one.
        outcomes: Losses of several cases that a report lists; known when the text has ended.
        lone_losses: The only loss of each split, by canonical name; known when the text has ended.
    """

    file: LogFile
    is_report: bool = False
    seen: list[SeenEvent] = field(default_factory=list)
    checkpoints: list[SeenCheckpoint] = field(default_factory=list)
    count: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    lone_losses: dict[str, Outcome] = field(default_factory=dict)
    _by_key: dict[tuple[str, str], SeenEvent] = field(default_factory=dict)
    _last_of_kind: dict[str, SeenEvent] = field(default_factory=dict)
    _active: tuple[Pattern, ...] = ()
    _mentions_saving: bool = False
    _in_traceback: bool = False
    _before: str = ""
    _kept: dict[str, int] = field(default_factory=dict)
    _report: list[Line] = field(default_factory=list)
    _orders: dict[int, int] = field(default_factory=dict)
    _hints: tuple[str, ...] = ()

    @property
    def heard(self) -> int:
        """A number that changes whenever a line said something or may turn out to."""
        return self.count + len(self.seen) + len(self._report)

    def begin_block(self, lowered: str) -> None:
        """Choose the patterns whose hint occurs in a block of lines at all."""
        self._hints = tuple(hint for hint in HINTS if hint in lowered)
        self._active = tuple(pattern for pattern in PATTERNS if pattern.hint in lowered)
        self._mentions_saving = "sav" in lowered or "wr" in lowered

    def look_at(self, line: str, number: int, order: int) -> None:
        """Look at one line that is no row.

        Args:
            line: Its text, without prefix.
            number: Its number in the file.
            order: Its position among all pieces of text.
        """
        if self._exception(line, number, order):
            return
        lowered = line.lower() if self._active or self._mentions_saving or self._hints else ""
        taken: set[str] = set()
        for pattern in self._active:
            if pattern.hint in lowered and pattern.kind not in taken and (found := pattern.search(line)):
                if pattern.kind in _WEAKER and taken:
                    continue
                taken.add(pattern.kind)
                self.add(pattern.kind, line, number, order, pattern.number(found), each=pattern.each)
        if self._mentions_saving and ("sav" in lowered or "writ" in lowered):
            self._checkpoint(line, number, order)
        before, seen = self.count, len(self.seen)
        self._weights(line, number, order)
        telling = self.is_report or any(hint in lowered for hint in self._hints)
        is_new = len(self.seen) == seen if self.is_report else self.count == before
        if is_new and telling and not self._in_traceback:
            self._note(line, number, order)

    def finish(self) -> None:
        """The text has ended: what the noted lines say together becomes events."""
        for claim in claims(self._report):
            self.add(claim.kind, claim.says, claim.line, self._orders[claim.line], claim.value, each=True)
        self.outcomes = outcomes(self._report)
        self.lone_losses = lone_losses(self._report)
        self._report.clear()

    def results(self) -> list[Result]:
        """The outcomes as results, one case each."""
        return [
            Result((("case", redact(one.case)),), ((one.metric, one.value),), self.file.source(one.line))
            for one in self.outcomes
        ]

    def _note(self, line: str, number: int, order: int) -> None:
        """Keep a line that may be part of a report; several lines make up what a report says."""
        if len(self._report) < (MOST_LINES if self.is_report else MOST_NOTED):
            self._report.append(Line(number, line[:MAX_SAYS]))
            self._orders[number] = order

    def add(
        self, kind: str, line: str, number: int, order: int, value: float | None = None, *, each: bool = False
    ) -> None:
        """Remember an event; a repeated one is only counted."""
        self.count += 1
        says = redact(line.strip())[:MAX_SAYS]
        key = (kind, f"{value}" if each else _DIGITS.sub("0", says)[:80])
        known = self._by_key.get(key)
        if each and known is not self._last_of_kind.get(kind):
            known = None
        if known is None and self._kept.get(kind, 0) < MAX_EVENTS:
            self._kept[kind] = self._kept.get(kind, 0) + 1
            known = SeenEvent(Event(kind, says, self.file.source(number), value=value, count=0), order)
            self.seen.append(known)
            self._last_of_kind[kind] = known
            self._by_key[key] = known
        if known is not None:
            known.event = replace(known.event, count=known.event.count + 1)

    def _exception(self, line: str, number: int, order: int) -> bool:
        if line.lstrip().startswith("Traceback (most recent call last)"):
            self._in_traceback = True
            self.count += 1
            return True
        if self._in_traceback:
            self.count += 1
            if not line.startswith((" ", "\t")) and EXCEPTION.match(line.strip()):
                self._in_traceback = False
                kind = "interrupted" if "KeyboardInterrupt" in line else "exception"
                self.add(kind, line, number, order)
                return kind == "interrupted"
            return False
        if RAISED.match(line) and "Warning" not in line:
            self.add("exception", line, number, order)
        return False

    def _checkpoint(self, line: str, number: int, order: int) -> None:
        found = CHECKPOINT.search(line)
        if (
            found is None
            or re.search(r"\b(?:every|will be|enabled|interval)\b", line, re.I)
            or not re.search(r"checkpoint|ckpt|model|step", line, re.I)
        ):
            return
        path = redact(found[1].rstrip(".,;)"))
        if path.endswith((".json", ".log", ".txt", ".csv", ".jsonl", ".yaml", ".png")) or len(path) < 3:
            return
        name = path.rstrip("/").rpartition("/")[2]
        step = checkpoint_step(name, is_folder=True)
        if step is None and not re.search(r"checkpoint|ckpt|step|\.(?:pt|pth|bin|safetensors)$|out", path, re.I):
            return
        self.checkpoints.append(SeenCheckpoint(step, path, number, order))
        self.add("checkpoint-saved", line, number, order, None if step is None else float(step))

    def _weights(self, line: str, number: int, order: int) -> None:
        """Reports on the weights themselves: counts of NaN, norms that stayed zero, equal values before and after."""
        if found := ELEMENTS_NAN.search(line):
            count = number_of(found[2])
            if count:
                self.add("weights-non-finite", line, number, order, count)
        elif found := NORMS_ABOVE.search(line):
            moved, total = float(found[1]), float(found[2])
            if moved < total / 2:
                self.add("weights-unchanged", line, number, order, total - moved)
        elif found := BEFORE_AFTER.match(line):
            self.count += 1
            if found[1].lower() == "before":
                self._before = found[2].strip()
            elif self._before and self._before == found[2].strip():
                self.add("weights-unchanged", line, number, order)
