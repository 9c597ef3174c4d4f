"""One pass over console text: rows into tables, other lines to the collectors of events and settings.

Rows come in few layouts. Each new layout is learned once by the grammars; after that a line costs one match of a
compiled expression, and a block of lines that all have one layout costs a single `findall`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.events import EventCollector
from trainclinic.readers.grammars.dict_rows import find_row, looks_cut, read_dict_row
from trainclinic.readers.grammars.layout import Hole, Layout, RowKind, Table
from trainclinic.readers.grammars.named_rows import (
    find_bar,
    read_bar,
    read_heading,
    read_named_block_line,
    read_named_row,
)
from trainclinic.readers.grammars.prefixes import COLOURS, read_prefix
from trainclinic.readers.grammars.setting_lines import SettingCollector

if TYPE_CHECKING:
    from trainclinic.readers.blocks import Block
    from trainclinic.readers.file import LogFile

MAX_LAYOUTS = 48
BULK_LINES = 64
_MAY_BE_ROW = re.compile(r"step|iter|epoch|update|batch|\bit\b|\d\s?/\s{0,9}\d", re.I)
_EVALUATION_HEADING = re.compile(
    r"^\W*(?:final |best )?(?:eval\w*|valid\w*|test)\b[\w ]{0,30}(?:results?|metrics|:)\W*$", re.I
)
BLOCK_REACH = 12
"""Lines that a heading such as `Evaluation results:` speaks for."""


@dataclass(slots=True)
class Scanner:
    """The state of one pass.

    Attributes:
        file: The file, for sources and damage.
        numbered: Lines begin with process numbers.
        tables: Captured rows by meaning.
        events: Telling lines.
        settings: Printed settings.
    """

    file: LogFile
    numbered: bool = False
    tables: dict[tuple[object, ...], Table] = field(default_factory=dict)
    events: EventCollector = field(init=False)
    settings: SettingCollector = field(default_factory=SettingCollector)
    damage: list[tuple[str, int]] = field(default_factory=list)
    _layouts: list[Layout] = field(default_factory=list)
    _order: int = 0
    _reach: int = 0
    _evaluating: bool = False

    def __post_init__(self) -> None:
        self.events = EventCollector(self.file)

    def take(self, block: Block) -> None:
        """Read one block of lines."""
        text = COLOURS.sub("", block.text) if "\x1b" in block.text else block.text
        lines = text.split("\n")
        if not block.is_cut and self._take_alike(lines, text, block.first_line):
            return
        lowered = text.lower()
        self.events.begin_block(lowered)
        self.settings.begin_block(lowered)
        last = block.first_line + len(lines) - 1 if block.is_cut else -1
        layouts = self._layouts
        for number, line in enumerate(lines, start=block.first_line):
            for piece in line.split("\r") if "\r" in line else (line,):
                self._order += 1
                for layout in layouts:
                    if found := layout.match(piece):
                        layout.pending.append(found.groups())
                        layout.pending_order.append(self._order)
                        layout.pending_line.append(number)
                        break
                else:
                    if piece and not piece.isspace():
                        self._take_other(piece, number, is_last=number == last)
        for layout in layouts:
            layout.flush()
        layouts.sort(key=lambda layout: -layout.hits)

    def finish(self) -> list[Table]:
        """The file has ended; the tables."""
        self.settings.finish()
        for table in self.tables.values():
            if table.bad:
                self.damage.append(("number that cannot be read", table.bad))
        return list(self.tables.values())

    def _take_alike(self, lines: list[str], text: str, first: int) -> bool:
        """Take a block whose lines all have one layout in one go."""
        if len(lines) < BULK_LINES or not self._layouts:
            return False
        layout = next((known for known in self._layouts if known.match(lines[0])), None)
        if layout is None or not layout.match(lines[-1]) or not layout.match(lines[len(lines) // 2]):
            return False
        rows = layout.find_lines(text)
        if len(rows) != len(lines):
            return False
        count = len(lines)
        order = np.arange(self._order + 1, self._order + 1 + count, dtype=np.int64)
        layout.table.add(rows, order, np.arange(first, first + count, dtype=np.int64), layout.shapes)
        layout.hits += count
        self._order += count
        return True

    def _take_other(self, piece: str, number: int, *, is_last: bool) -> None:
        """A piece of text in no known layout: learn it, or look for events and settings in it."""
        if is_last and self._is_cut_row(piece):
            self.damage.append(("truncated last line", number))
            return
        if self._learn(piece, number):
            self.settings.row_seen()
            self._reach = 0
            return
        if looks_cut(piece):
            self.damage.append(("row cut off in the middle", number))
            return
        prefix = read_prefix(piece, numbered=self.numbered)
        bare = piece[prefix.end :]
        if self._take_block_line(piece, bare, number):
            return
        if not self.settings.look_at(bare, number):
            self.events.look_at(bare, number, self._order)

    def _is_cut_row(self, piece: str) -> bool:
        return looks_cut(piece) or any(layout.begins is not None and layout.begins(piece) for layout in self._layouts)

    def _learn(self, piece: str, number: int) -> bool:
        """Learn the layout of a piece that holds a row; pieces that hold several are taken apart."""
        if span := find_row(piece):
            return self._learn_dictionary(piece, span, number)
        if bar := find_bar(piece):
            learned = read_bar(piece, bar)
            rest = piece[bar.end() :].strip()
            if learned is not None and rest and not rest.startswith(("{", "[")) and len(rest) > 2:
                self._add(piece[: bar.end()], learned, number)
                self._order += 1
                self._take_other(rest, number, is_last=False)
                return True
            return learned is not None and self._add(piece, learned, number)
        if not _MAY_BE_ROW.search(piece):
            return False
        learned = read_named_row(piece, read_prefix(piece, numbered=self.numbered))
        return learned is not None and self._add(piece, learned, number)

    def _learn_dictionary(self, piece: str, span: tuple[int, int], number: int) -> bool:
        begin, end = span
        before, behind = piece[:begin], piece[end:]
        if find_bar(before) or find_row(behind):
            done = [self._learn(part.strip(), number) for part in (before, piece[begin:end], behind) if part.strip()]
            return any(done)
        learned = read_dict_row(piece, begin, end, read_prefix(before, numbered=self.numbered))
        return learned is not None and self._add(piece, learned, number)

    def _take_block_line(self, piece: str, bare: str, number: int) -> bool:
        """Lines under a heading: `Evaluation results:` or `[batch=100/1000]:`, then one quantity a line."""
        if _EVALUATION_HEADING.match(bare):
            self._reach, self._evaluating = BLOCK_REACH, True
            return False
        prefix = read_prefix(piece, numbered=self.numbered)
        heading = None if self.settings.in_block else read_heading(piece, prefix)
        if heading is not None:
            self._add(piece, heading, number)
            self._reach, self._evaluating = BLOCK_REACH, False
            return True
        if self._reach <= 0:
            return False
        self._reach -= 1
        learned = read_named_block_line(piece, prefix, evaluating=self._evaluating)
        if learned is None:
            return False
        kind, holes = learned
        # A layout would take such lines wherever they stand, so these are read one by one.
        self._table(kind, holes).add(
            [tuple(piece[hole.begin : hole.end] for hole in holes)],
            np.array([self._order]),
            np.array([number]),
            [hole.shape for hole in holes],
        )
        return True

    def _table(self, kind: RowKind, holes: list[Hole]) -> Table:
        key = (kind, *(hole.meaning for hole in holes))
        table = self.tables.get(key)
        if table is None:
            table = self.tables[key] = Table(kind, tuple(holes))
        return table

    def _add(self, piece: str, learned: tuple[RowKind, list[Hole]], number: int) -> bool:
        """Keep a row and its layout."""
        kind, holes = learned
        table = self._table(kind, holes)
        table.add(
            [tuple(piece[hole.begin : hole.end] for hole in holes)],
            np.array([self._order]),
            np.array([number]),
            [hole.shape for hole in holes],
        )
        layout = Layout(piece, holes, table)
        if layout.match(piece):
            self._layouts.insert(0, layout)
            if len(self._layouts) > MAX_LAYOUTS:
                dropped = self._layouts.pop()
                dropped.flush()
        return True
