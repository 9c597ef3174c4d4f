"""One pass over console text: rows into tables, other lines to the collectors of events and settings.

Rows come in few layouts. Each new layout is learned once by the grammars; after that a line costs one match of a
compiled expression, and a block of lines that all have one layout costs a single `findall`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.grammars.bare_rows import SAYS, BareRows
from trainclinic.readers.grammars.dict_rows import find_row, looks_cut, read_dict_row
from trainclinic.readers.grammars.events import EventCollector
from trainclinic.readers.grammars.headed_tables import HeadedTables
from trainclinic.readers.grammars.layout import Hole, Layout, RowKind, Table
from trainclinic.readers.grammars.named_rows import (
    find_bar,
    read_bar,
    read_heading,
    read_named_block_line,
    read_named_row,
)
from trainclinic.readers.grammars.prefixes import COLOURS, Prefix, read_prefix
from trainclinic.readers.grammars.setting_lines import SettingCollector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.blocks import Block
    from trainclinic.readers.file import LogFile

    Integers = NDArray[np.int64]

MAX_LAYOUTS = 48
MAX_DULL = 20_000
BULK_LINES = 64
MAX_SENTENCE = 20_000
"""Characters of a line that rows, events and settings are looked for in."""
STRIDE = 16
FRESH = 8
"""New layouts of a block that are tried on all that is left of it; a block with more has no layout to speak of."""
_DIVIDER = re.compile(r"^\W{2,}(?:(?:second|third|fourth|fifth|next|new|another) run|run (?:no\.? ?)?\d+)\b", re.I)
_HEADING = re.compile(r"^\s*(?:[=\-#*~]{2,}|[\[#])\s*([A-Za-z\d][^\]=*~]{0,80}?)[\s\]=\-#*~:]*$")
MAX_HEADINGS = 200
_DIGITS = re.compile(r"\d+")
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
        headed: Rows under a head that names their columns.
        damage: What is wrong, where first, and how often.
        dividers: Positions of lines that say that another run begins.
        headings: Lines that look like the heading of a part, with their number: `=== eager ===`, `# torch 2.2`.
        bare: Rows without names, which count only where there are no others.
    """

    file: LogFile
    numbered: bool = False
    tables: dict[tuple[object, ...], Table] = field(default_factory=dict)
    events: EventCollector = field(init=False)
    settings: SettingCollector = field(default_factory=SettingCollector)
    headed: HeadedTables = field(default_factory=HeadedTables)
    damage: list[tuple[str, int | None, int]] = field(default_factory=list)
    dividers: list[int] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    bare: BareRows = field(init=False)
    _layouts: list[Layout] = field(default_factory=list)
    _order: int = 0
    _now: int = 0
    _learned: int = 0
    _reach: int = 0
    _dull: set[str] = field(default_factory=set)
    _evaluating: bool = False

    def __post_init__(self) -> None:
        """Make the collector that needs the file."""
        self.events = EventCollector(self.file)
        self.bare = BareRows(self.file)

    def take(self, block: Block) -> None:
        """Read one block of lines."""
        text = COLOURS.sub("", block.text) if "\x1b" in block.text else block.text
        if not block.is_cut and "\r" not in text and self._take_alike(text, block.first_line):
            return
        pieces, number = _pieces(text, block.first_line)
        order = self._positions(len(pieces))
        left = np.arange(len(pieces))
        for layout in self._layouts:
            left = _take_matching(layout, pieces, left, order, number)
        self._layouts.sort(key=lambda layout: -layout.hits)
        if left.size:
            self._take_rest(pieces, left, order, number, cut_at=len(pieces) - 1 if block.is_cut else -1)

    def finish(self) -> list[Table]:
        """The file has ended; the tables."""
        self.settings.finish()
        self.events.finish()
        if not self.tables:
            self._settle_bare_rows()
        for table in self.tables.values():
            if table.bad:
                self.damage.append(("number that cannot be read", None, table.bad))
        return list(self.tables.values())

    def _settle_bare_rows(self) -> None:
        """Without any other row, take rows without names for steps and losses, and say so."""
        tables, dividers = self.bare.settle()
        for table in tables:
            self.tables[(table.kind, *(hole.meaning for hole in table.holes))] = table
        self.dividers = sorted((*self.dividers, *dividers))
        if tables:
            self.damage.append((SAYS, self.bare.rows[0].line, len(self.bare.rows)))

    def _positions(self, count: int) -> Integers:
        """The next positions; the gaps between them are for rows that share a piece of text."""
        first = self._order + STRIDE
        self._order += STRIDE * count
        return np.arange(first, self._order + 1, STRIDE, dtype=np.int64)

    def _take_alike(self, text: str, first: int) -> bool:
        """Take a block whose lines all have one layout in one go."""
        count = text.count("\n") + 1
        layout = self._layouts[0] if self._layouts else None
        if layout is None or count < BULK_LINES or not layout.match(text[: text.find("\n")]):
            return False
        sample = text[: text.find("\n", len(text) // 16)]
        if len(layout.find_lines(sample)) != sample.count("\n") + 1:
            return False
        rows = layout.find_lines(text)
        if len(rows) != count:
            return False
        layout.table.add(rows, self._positions(count), np.arange(first, first + count, dtype=np.int64), layout.shapes)
        layout.hits += count
        return True

    def _take_rest(self, pieces: list[str], left: Integers, order: Integers, number: Integers, *, cut_at: int) -> None:
        """Pieces in no known layout, one by one; what they teach is applied to the pieces behind them at once."""
        lowered = "\n".join(pieces[at] for at in left.tolist()).lower()
        self.events.begin_block(lowered)
        self.settings.begin_block(lowered)
        fresh: list[Layout] = []
        while left.size:
            learned_at = self._take_until_learned(pieces, left, order, number, fresh, cut_at)
            left = left[learned_at + 1 :]
            if fresh and len(fresh) <= FRESH:
                left = _take_matching(fresh[-1], pieces, left, order, number)

    def _take_until_learned(
        self, pieces: list[str], left: Integers, order: Integers, number: Integers, fresh: list[Layout], cut_at: int
    ) -> int:
        """Read pieces until one teaches a new layout; returns the place of that piece in `left`, or of the last one."""
        for done, at in enumerate(left.tolist()):
            piece = pieces[at]
            if not piece or piece.isspace():
                continue
            if len(fresh) > FRESH and any(_take_one(known, piece, order[at], number[at]) for known in fresh[-FRESH:]):
                continue
            before = self._learned
            self._now = int(order[at])
            self._take_other(piece, int(number[at]), is_last=at == cut_at)
            if self._learned > before:
                fresh.append(self._layouts[0])
                return done
        return int(left.size) - 1

    def _take_other(self, piece: str, number: int, *, is_last: bool) -> None:
        """A piece of text in no known layout: learn it, or look for events and settings in it."""
        if is_last and self._is_cut_row(piece):
            self.damage.append(("truncated last line", number, 1))
            return
        settings = self.settings
        key = _DIGITS.sub("0", piece)
        if key in self._dull and not settings.is_open and number > self._reach:
            return
        if self._learn(piece, number):
            settings.row_seen()
            self._reach = 0
            return
        if looks_cut(piece):
            self.damage.append(("row cut off in the middle", number, 1))
            return
        prefix = read_prefix(piece, numbered=self.numbered)
        bare = piece[prefix.end : prefix.end + MAX_SENTENCE]
        if self._take_block_line(piece, bare, prefix, number):
            return
        self._note_parts(bare, number)
        heard = self.events.heard, settings.count, len(self.bare.rows)
        if not self.tables:
            self.bare.offer(bare, number, self._now)
        if not settings.look_at(bare, number):
            self.events.look_at(bare, number, self._now)
        if (
            heard == (self.events.heard, settings.count, len(self.bare.rows))
            and number > self._reach
            and len(self._dull) < MAX_DULL
        ):
            self._dull.add(key)

    def _note_parts(self, bare: str, number: int) -> None:
        """Remember lines that begin another run, and those that look like the heading of a part."""
        if _DIVIDER.match(bare):
            self.dividers.append(self._now)
        if len(self.headings) < MAX_HEADINGS and (heading := _HEADING.match(bare)):
            self.headings.append((number, heading[1].strip()))

    def _is_cut_row(self, piece: str) -> bool:
        return looks_cut(piece) or any(layout.begins is not None and layout.begins(piece) for layout in self._layouts)

    def _learn(self, piece: str, number: int) -> bool:
        """Learn the layout of a piece that holds a row; pieces that hold several are taken apart."""
        if len(piece) > MAX_SENTENCE:
            return False
        if (row := self.headed.look_at(piece)) is not None:
            return self._add(piece, row, number)
        if span := find_row(piece):
            return self._learn_dictionary(piece, span, number)
        if bar := find_bar(piece):
            learned = read_bar(piece, bar)
            rest = piece[bar.end() :].strip()
            if learned is not None and rest and not rest.startswith(("{", "[")) and len(rest) > 2:
                self._add(piece[: bar.end()], learned, number)
                self._now += 1
                self._take_other(rest, number, is_last=False)
                return True
            return learned is not None and self._add(piece, learned, number)
        if self.settings.in_sample(number) or not _MAY_BE_ROW.search(piece):
            return False
        learned = read_named_row(piece, read_prefix(piece, numbered=self.numbered))
        return learned is not None and self._add(piece, learned, number)

    def _learn_dictionary(self, piece: str, span: tuple[int, int], number: int) -> bool:
        begin, end = span
        before, behind = piece[:begin], piece[end:]
        if find_bar(before) or find_row(behind):
            done = False
            for part in filter(None, map(str.strip, (before, piece[begin:end], behind))):
                done |= self._learn(part, number)
                self._now += 1
            return done
        learned = read_dict_row(piece, begin, end, read_prefix(before, numbered=self.numbered))
        return learned is not None and self._add(piece, learned, number)

    def _take_block_line(self, piece: str, bare: str, prefix: Prefix, number: int) -> bool:
        """Lines under a heading: `Evaluation results:` or `[batch=100/1000]:`, then one quantity a line."""
        if _EVALUATION_HEADING.match(bare):
            self._reach, self._evaluating = number + BLOCK_REACH, True
            return False
        heading = None if self.settings.in_block else read_heading(piece, prefix)
        if heading is not None:
            self._add(piece, heading, number)
            self._reach, self._evaluating = number + BLOCK_REACH, False
            return True
        if number > self._reach:
            return False
        learned = read_named_block_line(piece, prefix, evaluating=self._evaluating)
        if learned is None:
            return False
        kind, holes = learned
        # A layout would take such lines wherever they stand, so these are read one by one.
        self._table(kind, holes).add(
            [tuple(piece[hole.begin : hole.end] for hole in holes)],
            np.array([self._now]),
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
            np.array([self._now]),
            np.array([number]),
            [hole.shape for hole in holes],
        )
        layout = Layout(piece, holes, table)
        if layout.match(piece):
            self._layouts.insert(0, layout)
            self._learned += 1
            del self._layouts[MAX_LAYOUTS:]
        return True


def _pieces(text: str, first: int) -> tuple[list[str], Integers]:
    """Lines, taken apart at carriage returns (progress bars rewrite their line), and the line of each piece."""
    lines = text.split("\n")
    number = np.arange(first, first + len(lines), dtype=np.int64)
    if "\r" not in text:
        return lines, number
    parts = [line.split("\r") for line in lines]
    return list(chain.from_iterable(parts)), np.repeat(number, [len(part) for part in parts])


def _take_matching(layout: Layout, pieces: list[str], left: Integers, order: Integers, number: Integers) -> Integers:
    """Give a layout what it matches among the pieces that are left; returns what remains."""
    if not left.size:
        return left
    found = list(map(layout.match, pieces if left.size == len(pieces) else [pieces[at] for at in left.tolist()]))
    rows = [match.groups() for match in found if match]
    if not rows:
        return left
    hit = np.fromiter((match is not None for match in found), bool, len(found))
    layout.table.add(rows, order[left[hit]], number[left[hit]], layout.shapes)
    layout.hits += len(rows)
    return np.asarray(left[~hit], dtype=np.int64)


def _take_one(layout: Layout, piece: str, order: int, number: int) -> bool:
    found = layout.match(piece)
    if found is None:
        return False
    layout.table.add([found.groups()], np.array([order]), np.array([number]), layout.shapes)
    layout.hits += 1
    return True
