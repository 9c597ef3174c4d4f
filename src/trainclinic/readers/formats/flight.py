"""The flight recorder of `trainclinic train` and of the guard: `flight.jsonl`, one line for each optimizer step.

It was written inside the training loop: the loss stands there before any filter, the norm before clipping. A resume
writes another head into the same file; a kill cuts off the last line. How many micro-batches a loss is the mean of, and
the learning rates of later parameter groups, it does not say.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trainclinic.readers.blocks import text_blocks
from trainclinic.readers.checks.line import shortened
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.redact import redact
from trainclinic.readers.tables.row_columns import LARGEST_STEP
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Fact, coerce_fact_value
from trainclinic.record.parts import Checkpoint, Event, Generation
from trainclinic.record.vocabulary import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainclinic.readers.file import LogFile

FORMAT = "trainclinic.flight.v1"
MAX_SAMPLES = 5_000
MAX_EVENTS = 2_000
_MAX_TEXT = 20_000
_MOST_SAID = 300
_BEGIN = '{"kind"'

_STEP_SERIES = {
    "loss": "train/loss",
    "grad_norm": "train/grad_norm",
    "learning_rate": "train/learning_rate",
    "tokens": "train/tokens",
    "epoch": "train/epoch",
    "seconds": "speed/seconds_per_step",
    "loss_scale": "scale/loss_scale",
    "memory": "memory/allocated",
}
_NO_SERIES = {"kind", "step", "time", "rows"}


def sniff(file: LogFile) -> float:
    """Certain by the name of the format, likely by the file name when the first line was lost."""
    if file.is_binary:
        return 0.0
    if FORMAT.encode() in file.head[:4096]:
        return 1.0
    return 0.96 if file.path.name == "flight.jsonl" and _BEGIN.encode() in file.head else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every line by its kind; damaged lines and lines of unknown kinds are counted.

    Raises:
        ReadError: If no line holds anything of a flight recorder.
    """
    flight = _Flight(file)
    for number, row in _rows(file):
        flight.take(row, number)
    if flight.fragment.is_empty:
        message = f"`{file.name}` holds no line of a flight recorder"
        raise ReadError(message, hint="the run may have stopped before its first step")
    return [flight.fragment]


def _rows(file: LogFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of every whole line; the object after a torn line that a resume wrote on is found too."""
    for block in text_blocks(file):
        lines = block.text.split("\n")
        for number, line in enumerate(lines, start=block.first_line):
            text = line.strip("\ufeff\r\t ")
            row = _parsed(text)
            if row is None and text:
                is_last = block.is_cut and number == block.first_line + len(lines) - 1
                file.count_damage("truncated last line" if is_last else "line that is not a JSON object", number)
                row = _parsed(text[text.rfind(_BEGIN) :]) if text.rfind(_BEGIN) > 0 else None
            if row is not None:
                yield number, row


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


class _Flight:
    """Takes lines in their order into one fragment.

    Args:
        file: Where damage is counted.
    """

    def __init__(self, file: LogFile) -> None:
        self.file = file
        self.fragment = Fragment(file=file.name, reader="flight", in_loop=True)
        self._folder = file.name.rpartition("/")[0]
        self._begin: float | None = None
        self._last = 0.0
        self._passed = 0.0
        self._step: int | None = None
        self._alarm = ""
        self._names = dict(_STEP_SERIES)
        self._kinds: dict[str, Callable[[dict[str, Any], int], None]] = {
            "head": self._head,
            "step": self._one_step,
            "layers": self._layers,
            "evaluation": self._evaluation,
            "generation": self._generation,
            "alarm": self._alarmed,
            "checkpoint": self._checkpoint,
            "rollback": self._rollback,
            "trouble": self._trouble,
            "end": self._end,
        }

    def take(self, row: dict[str, Any], line: int) -> None:
        """Take one line."""
        kind = row.get("kind")
        taking = self._kinds.get(kind) if isinstance(kind, str) else None
        if taking is None:
            self.file.count_damage("line of a kind that this version does not know", line)
            return
        taking(row, line)

    def _head(self, row: dict[str, Any], line: int) -> None:
        """The start of a session: facts, and a resume when something was logged before."""
        if row.get("format") != FORMAT:
            self.file.count_damage(f"head of another format than `{FORMAT}`, read as far as it is alike", line)
        if self._step is not None:
            self._add_event("resume", f"the run went on after step {self._step:,}", line, None)
        if self._begin is not None:
            self._passed += max(0.0, self._last - self._begin)
        self._begin = self._last = _number(row.get("time")) or 0.0
        self._begin = self._begin or None
        self._alarm = ""
        version = row.get("trainclinic")
        if isinstance(version, str):
            self._add_fact(self.fragment.versions, "trainclinic", version, line)
        facts = row["facts"] if isinstance(row.get("facts"), dict) else {}
        if facts.get("device") == "cpu":  # there it is the memory of the process, with everything else in it
            self._names["memory"] = "memory/process"
        for name, raw in facts.items():
            value = coerce_fact_value(name, raw) if name in FACTS else _plain(raw)
            if value is not None:
                shown = redact(value) if isinstance(value, str) else value
                into = self.fragment.facts if name in FACTS else self.fragment.other_facts
                self._add_fact(into, name if name in FACTS else redact(name), shown, line)

    def _one_step(self, row: dict[str, Any], line: int) -> None:
        step = self._step_of(row, line)
        if step is None:
            return
        self._step = step
        for key, raw in row.items():
            value = None if key in _NO_SERIES else _number(raw)
            if value is not None:
                self.fragment.column(self._names.get(key, key)).add(step, value, line)
        time = _number(row.get("time"))
        if time is None:
            return
        if self._begin is None:
            self._begin = time
        self._last = max(self._last, time)
        self.fragment.column("time/elapsed").add(step, self._passed + max(0.0, time - self._begin), line)

    def _layers(self, row: dict[str, Any], line: int) -> None:
        """Norms and ratios by layer, under names of their own: `layers/grad_norm/layers.0`."""
        step = self._step_of(row, line)
        if step is None:
            return
        for measure, layers in row.items():
            for layer, raw in (layers if isinstance(layers, dict) else {}).items():
                value = _number(raw)
                if value is not None:
                    self.fragment.column(f"layers/{measure}/{layer}").add(step, value, line)

    def _evaluation(self, row: dict[str, Any], line: int) -> None:
        step = self._step_of(row, line)
        if step is None:
            return
        for key, raw in row.items():
            value = None if key in _NO_SERIES else _number(raw)
            if value is not None:
                self.fragment.column(f"eval/{key}").add(step, value, line)

    def _generation(self, row: dict[str, Any], line: int) -> None:
        text, prompt, stopped = row.get("text"), row.get("prompt"), row.get("stopped")
        if not isinstance(text, str):
            self.file.count_damage("generation without a text", line)
            return
        if len(self.fragment.generations) >= MAX_SAMPLES:
            self.file.count_damage(f"samples after the first {MAX_SAMPLES:,} were not read", line)
            return
        self.fragment.generations.append(
            Generation(
                output=redact(text[:_MAX_TEXT]),
                source=self.file.source(line),
                prompt=redact(prompt[:_MAX_TEXT]) if isinstance(prompt, str) else None,
                new_tokens=_whole(row.get("new_tokens")),
                step=_whole(row.get("step")),
                stopped=stopped if isinstance(stopped, bool) else None,
            )
        )

    def _alarmed(self, row: dict[str, Any], line: int) -> None:
        rule, action = (str(row.get(key) or "") for key in ("rule", "action"))
        says = f"{rule}: {_said(row)}" if rule else _said(row)
        self._add_event("guard-alarm", f"{says} ({action})" if action else says, line, row)
        if action == "stop":
            self._alarm = rule or "an alarm"

    def _checkpoint(self, row: dict[str, Any], line: int) -> None:
        step, path = self._step_of(row, line), row.get("path")
        if step is None or not isinstance(path, str):
            return
        named = redact(path if path.startswith("/") or not self._folder else f"{self._folder}/{path}")
        self.fragment.checkpoints.append(Checkpoint(step, named, self.file.source(line), exists=False))
        if row.get("state") == "suspect":
            why = shortened(redact(str(row.get("why") or "no reason given")), _MOST_SAID)
            self._add_event("checkpoint-suspect", f"{named}: {why}", line, row)

    def _rollback(self, row: dict[str, Any], line: int) -> None:
        to = _whole(row.get("to"))
        says = f"back to step {to:,}" if to is not None else "back to a checkpoint"
        said = _said(row)
        self._add_event("rollback", f"{says}: {said}" if said else says, line, row, value=to)

    def _trouble(self, row: dict[str, Any], line: int) -> None:
        self._add_event("guard-trouble", _said(row), line, row)

    def _end(self, row: dict[str, Any], line: int) -> None:
        reason = row.get("reason")
        if reason == "finished":
            self._add_event("training-finished", "training ended as planned", line, row)
        elif reason == "failed":
            self._add_event("exception", _said(row) or "the run ended with an exception", line, row)
        elif self._alarm:
            self._add_event("guard-stop", f"the run was stopped after {self._alarm}", line, row)
        else:
            self._add_event("interrupted", f"the run was {shortened(str(reason or 'stopped'), 40)}", line, row)

    def _add_event(
        self, kind: str, says: str, line: int, row: dict[str, Any] | None, value: float | None = None
    ) -> None:
        """One event; beyond `MAX_EVENTS` they are counted."""
        if len(self.fragment.events) >= MAX_EVENTS:
            self.file.count_damage(f"events after the first {MAX_EVENTS:,} were not read", line)
            return
        step = None if row is None else _whole(row.get("step"))
        says = shortened(redact(says), _MOST_SAID)
        number = None if value is None else float(value)
        self.fragment.events.append(Event(kind, says, self.file.source(line), step=step, value=number))

    def _add_fact(self, into: list[Fact], name: str, value: float | str | bool, line: int) -> None:  # noqa: FBT001
        """One fact, once: a resume repeats those of the first head."""
        if not any(fact.name == name and fact.value == value for fact in into):
            into.append(Fact(name, value, self.file.source(line, name), "log"))

    def _step_of(self, row: dict[str, Any], line: int) -> int | None:
        step = _whole(row.get("step"))
        if step is None:
            self.file.count_damage("line without a step", line)
        return step


def _said(row: dict[str, Any]) -> str:
    return shortened(redact(str(row.get("says") or "")), _MOST_SAID)


def _number(raw: Any) -> float | None:
    """A number, also one that is written as text because JSON has no word for it: `"NaN"`, `"Infinity"`."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        return None
    try:
        return float(raw)
    except (ValueError, OverflowError):
        return None


def _whole(raw: Any) -> int | None:
    number = _number(raw)
    return int(number) if number is not None and 0 <= number <= LARGEST_STEP else None


def _plain(raw: Any) -> float | str | bool | None:
    """A setting without a name in the vocabulary: as it stands; lists are joined, objects are left out."""
    if isinstance(raw, (bool, str)):
        return raw
    if isinstance(raw, (int, float)):
        return float(raw)
    return ",".join(map(str, raw)) if isinstance(raw, list) else None


READER = Reader(
    name="flight",
    title="Flight recorder of `trainclinic train` and of the guard (`flight.jsonl`)",
    recognised_by=f"`{FORMAT}` in its first line",
    delivers="loss before any filter, gradient norm before clipping, learning rate, tokens, speed, memory and loss "
    "scale of every step; norms and update ratios by layer; evaluations, generated texts, alarms, rollbacks, "
    "checkpoints, facts of the run; true NaN",
    limits=f"the first {MAX_SAMPLES:,} texts, cut after {_MAX_TEXT:,} characters; row numbers of batches are left out",
    sniff=sniff,
    read=read,
)
