"""Weights & Biases run files (`run-*.wandb`): history, configuration and how the run ended; and `wandb-summary.json`.

Fields are those of `wandb_internal.proto` (wandb 0.12 to 0.31). It reads no system statistics, and leaves the console
to `files/output.log`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.binary.chunk_log import chunk_records
from trainclinic.readers.binary.history_items import HistoryRows, keyed_values
from trainclinic.readers.binary.wire import BYTES, NotProtobuf, fields, signed, varint
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.json_tree import json_object, unwrapped
from trainclinic.readers.settings.names import flat_settings
from trainclinic.readers.tables.json_table import JsonTable
from trainclinic.readers.tables.summary_rows import summary_facts
from trainclinic.readers.tables.table import Table, fragments_of
from trainclinic.readers.tables.totals import totals_among
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Fact
from trainclinic.record.parts import Event

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

_MAGIC = b":W&B\xe1\xbe\x00"
_SUMMARY_FILE = "wandb-summary.json"
_HISTORY, _CONFIG, _RUN, _EXIT = 2, 5, 17, 18
_RUN_CONFIG, _UPDATE, _EXIT_CODE = 4, 1, 1


def sniff(file: LogFile) -> float:
    """Certain by the first seven bytes, likely by the ending `.wandb`; a summary by its name."""
    if file.head.startswith(_MAGIC):
        return 1.0
    return 0.99 if file.path.name == _SUMMARY_FILE else 0.9 if file.path.suffix == ".wandb" else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read the history by step and the configuration; of a summary, its one row, unless the run's own file tells more.

    Raises:
        ReadError: If the file is no W&B run, or holds neither history nor configuration.
    """
    if file.path.name == _SUMMARY_FILE:
        return _summary(file)
    if not file.head.startswith(_MAGIC):
        message = "the file does not begin like a W&B run"
        raise ReadError(message, hint="is the file complete, and copied as binary?")
    run = _Run(file)
    for number, record in enumerate(chunk_records(file), start=1):
        run.take(record, number)
    fragment = run.fragment()
    if fragment.is_empty:
        message = f"`{file.name}` holds neither history nor configuration"
        raise ReadError(message, hint="the run may have stopped before it logged anything")
    return [fragment]


class _Run:
    """What the records of one run tell.

    Args:
        file: The file; damage is counted on it.
    """

    def __init__(self, file: LogFile) -> None:
        self.file = file
        self.table = Table(file, "wandb_run")
        self.history = HistoryRows(self.table)
        self.settings: dict[str, tuple[Any, int]] = {}
        self.exit: tuple[int, int] | None = None

    def take(self, record: bytes, number: int) -> None:
        """Read one record."""
        try:
            for part in fields(record):
                if part.kind != BYTES:
                    continue
                if part.number == _HISTORY:
                    self.history.add(record, part.start, part.end, number)
                elif part.number == _CONFIG:
                    self._configure(record, part.start, part.end, number)
                elif part.number == _RUN:
                    for inner in fields(record, part.start, part.end):
                        if inner.number == _RUN_CONFIG and inner.kind == BYTES:
                            self._configure(record, inner.start, inner.end, number)
                elif part.number == _EXIT:
                    self.exit = (_exit_code(record, part.start, part.end), number)
        except (NotProtobuf, ValueError, RecursionError):
            self.file.count_damage("record that cannot be read", number)

    def _configure(self, record: bytes, start: int, end: int, number: int) -> None:
        """Updates of the configuration; the last value of a key counts."""
        for part in fields(record, start, end):
            if part.number == _UPDATE and part.kind == BYTES:
                key, value = keyed_values(record, part.start, part.end)
                if key != "_wandb" and value is not None:
                    self.settings[key] = (json.loads(value), number)

    def fragment(self) -> Fragment:
        """The run."""
        table, unread = self.table, self.history.unread
        self.history.settle()
        table.lines = np.array(self.history.numbers, np.int64)
        if unread:
            self.file.count_damage("value that is not JSON", unread[0], count=len(unread))
        counts = {name: int(table.column(name)[0].size) for name in table.names}
        totals = [(key, name, *table.column(name)) for name, key in totals_among(counts).items()]
        for _, name, _, _ in totals:
            table.discard(name)
        found = fragments_of(table)
        fragment = found[0] if found else Fragment(self.file.name, "wandb_run")
        entries = [
            (key, float(values[-1]), self.file.source(int(table.lines[rows[-1]]), name))
            for key, name, rows, values in totals
        ]
        facts, others = summary_facts(entries)
        pairs = [
            (setting.name, setting.value, number)
            for key, (value, number) in self.settings.items()
            for setting in flat_settings(unwrapped({key: value}))
        ]
        settings = facts_from_settings(pairs, "config", self.file)
        fragment.facts += [*facts, *settings.facts]
        fragment.other_facts += [*others, *settings.other_facts]
        fragment.versions += settings.versions
        self._add_end(fragment)
        return fragment

    def _add_end(self, fragment: Fragment) -> None:
        if self.exit is None:
            return
        code, number = self.exit
        source = self.file.source(number, "exit_code")
        fragment.other_facts.append(Fact("exit_code", float(code), source, "log"))
        if code:
            fragment.events.append(Event("exception", f"the process ended with exit code {code}", source))


def _exit_code(record: bytes, start: int, end: int) -> int:
    for part in fields(record, start, end):
        if part.number == _EXIT_CODE:
            return signed(varint(record, part.start)[0])
    return 0


def _summary(file: LogFile) -> list[Fragment]:
    """The last value of every metric, unless the run's own file stands above its folder."""
    if any(file.path.parent.parent.glob("run-*.wandb")):
        return []
    row = {key: value for key, value in json_object(file).items() if key != "_wandb"}
    table = JsonTable(file, "wandb_run")
    table.add([row], np.zeros(1, np.int64))
    fragments = table.fragments()
    if not fragments:
        message = f"`{file.name}` holds no number"
        raise ReadError(message, hint="the run may have stopped before it logged anything")
    return fragments


READER = Reader(
    name="wandb_run",
    title="Weights & Biases runs (`run-*.wandb`, offline or synced; `wandb-summary.json`)",
    recognised_by="the first seven bytes `:W&B`, or the name of the summary",
    delivers="the history by step with record numbers; the configuration as facts; the exit code; a Trainer's totals",
    limits="system statistics, media and tables are left out; the console is read from `files/output.log`; a run "
    "without an exit record is alive or was killed",
    sniff=sniff,
    read=read,
)
