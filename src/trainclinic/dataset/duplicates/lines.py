"""Lines that stand in many rows: headers, signatures, notices.

Counts are exact while the distinct lines fit in memory. Beyond that rare lines are forgotten by lossy counting (Manku
and Motwani 2002): a count is then too low by at most `LineCounter.forgot` rows. It does not know what a line says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from trainclinic.dataset.duplicates.exact import digests

LONGER_THAN = 20
"""Characters, without the white space around them, that a line must exceed to be counted."""
SPACES = " \t\r\v\f\u00a0"
LOSS = 0.001
"""Share of the rows by which a count may be too low once lines were forgotten."""
LEAST_SHARE = 0.01
"""The smallest share of rows that can be asked for; the text of rarer lines is not kept."""
MOST_LINES = 2_000_000
"""Distinct lines in memory, at 16 bytes each, from which rare ones are forgotten."""
JOINED_LINES = 3_000_000
"""Lines of new tables that are joined at a time."""
MOST_TEXTS = 20_000
"""Texts of lines in memory, from which those of rare ones are forgotten."""
ROW_BITS = np.uint64(14)
"""Lowest bits of a line's digest that give way to the number of its row, so that one sort orders lines and rows."""
BATCH_ROWS = 1 << 14

Digests = NDArray[np.uint64]
Counts = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class CommonLine:
    """A line that many rows share.

    Attributes:
        text: The line without white space around it.
        rows: Rows in which it stands.
        times: Times that it stands in them.
    """

    text: str
    rows: int
    times: int

    @property
    def characters(self) -> int:
        """Characters that it takes in all rows together."""
        return len(self.text) * self.times


@dataclass(slots=True, eq=False)
class LineCounter:
    """Counts lines. Counters of shards merge to the counter of all rows.

    Attributes:
        rows: Rows that were looked at.
        characters: Their characters.
        forgot: Rows by which any count may be too low; 0 while all counts are exact.
    """

    rows: int = 0
    characters: int = 0
    forgot: int = 0
    _tables: list[_Table] = field(default_factory=list)
    _texts: dict[int, str] = field(default_factory=dict)

    def add(self, texts: Sequence[str]) -> None:
        """Count the lines of the next rows; some thousand rows at a time are fastest.

        Args:
            texts: One text a row.
        """
        for start in range(0, len(texts), BATCH_ROWS):
            self._add(texts[start : start + BATCH_ROWS])

    def merge(self, later: LineCounter) -> None:
        """Count the rows of another counter too."""
        self.rows += later.rows
        self.characters += later.characters
        self.forgot += later.forgot
        self._tables += later._tables
        self._texts.update(later._texts)
        self._tidy()

    def common(self, share: float, rows: int = 0) -> list[CommonLine]:
        """Lines that stand in many rows, those in the most rows first.

        Args:
            share: Rows in which a line must stand, as a share of all, at least `LEAST_SHARE`.
            rows: Rows in which it must stand at least.

        Raises:
            ValueError: If `share` is below `LEAST_SHARE`.
        """
        if share < LEAST_SHARE:
            message = f"lines are remembered from a share of {LEAST_SHARE} on, not {share}"
            raise ValueError(message)
        table = self._whole()
        many = np.flatnonzero(table.rows >= max(share * self.rows, rows, 1))
        found = [
            CommonLine(self._texts[digest], int(table.rows[at]), int(table.times[at]))
            for at, digest in zip(many, table.digests[many].tolist(), strict=True)
        ]
        return sorted(found, key=lambda line: (-line.rows, line.text))

    def _add(self, texts: Sequence[str]) -> None:
        found, row, text_of = _line_digests(texts)
        found = found >> ROW_BITS << ROW_BITS
        table = _counted(found | row)
        self.rows += len(texts)
        self.characters += sum(map(len, texts))
        self._tables.append(table)
        many = table.digests[table.rows >= LEAST_SHARE * len(texts)]
        new = [digest for digest in many.tolist() if digest not in self._texts]
        for at in np.flatnonzero(np.isin(found, np.array(new, np.uint64))).tolist() if new else ():
            self._texts[int(found[at])] = text_of(at)
        self._tidy()

    def _tidy(self) -> None:
        # the newest tables are joined when they have grown to half of the first: each line is moved a few times only
        if sum(map(len, self._tables[1:])) > max(len(self._tables[0]) // 2, JOINED_LINES):
            self._whole()
        if len(self._tables[0]) > MOST_LINES:
            self._forget(max(ceil(LOSS * self.rows), self.forgot + 1))
        if len(self._texts) > MOST_TEXTS:
            table = self._whole()
            kept = set(table.digests[table.rows >= LEAST_SHARE / 2 * self.rows].tolist())
            self._texts = {digest: text for digest, text in self._texts.items() if digest in kept}

    def _forget(self, below: int) -> None:
        """Forget lines whose count, and what may be missing from it, is small."""
        table = self._tables[0]
        kept = table.rows + self.forgot > below
        self._tables[0] = _Table(table.digests[kept], table.rows[kept], table.times[kept])
        self.forgot = below

    def _whole(self) -> _Table:
        self._tables = [_added(self._tables)]
        return self._tables[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Counts in order of the digests, each `[lines]`."""

    digests: Digests
    rows: Counts
    times: Counts

    def __len__(self) -> int:
        return len(self.digests)


def _added(tables: Sequence[_Table]) -> _Table:
    found = np.concatenate([np.zeros(0, np.uint64), *(table.digests for table in tables)])
    # the tables are in order: a merge sort only has to merge them
    order = np.argsort(found, kind="stable")
    found = found[order]
    starts = np.flatnonzero(_changes(found))
    if not len(starts):
        return _Table(found, np.zeros(0, np.int32), np.zeros(0, np.int32))
    rows = np.concatenate([table.rows for table in tables])[order]
    times = np.concatenate([table.times for table in tables])[order]
    return _Table(
        found[starts], np.add.reduceat(rows, starts, dtype=np.int32), np.add.reduceat(times, starts, dtype=np.int32)
    )


def _counted(keys: Digests) -> _Table:
    """Lines counted.

    Args:
        keys: Digest and row of every line; sorted in place.
    """
    keys.sort()
    found = keys >> ROW_BITS << ROW_BITS
    starts = np.flatnonzero(_changes(found))
    if not len(starts):
        return _Table(found, np.zeros(0, np.int32), np.zeros(0, np.int32))
    rows = np.add.reduceat(_changes(keys), starts, dtype=np.int32)
    return _Table(found[starts], rows, np.diff(np.append(starts, len(found))).astype(np.int32))


def _changes(ordered: Digests) -> NDArray[np.bool_]:
    is_new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return is_new


Lines = tuple[Digests, NDArray[np.uint64], Callable[[int], str]]
"""Of every counted line its digest and its row, in order of the rows, and a function from its index to its text."""


def _line_digests(texts: Sequence[str]) -> Lines:
    try:
        import polars  # noqa: F401
    except ImportError:
        return _line_digests_plain(texts)
    return _line_digests_polars(texts)


def _line_digests_plain(texts: Sequence[str]) -> Lines:
    pairs = [(at, line.strip(SPACES)) for at, text in enumerate(texts) for line in text.split("\n")]
    pairs = [(at, line) for at, line in pairs if len(line) > LONGER_THAN]
    found = digests([line.encode("utf-8", "surrogatepass") for _, line in pairs])
    return found, np.array([at for at, _ in pairs], np.uint64), lambda at: pairs[at][1]


def _line_digests_polars(texts: Sequence[str]) -> Lines:
    import polars

    try:
        rows = polars.Series(texts, dtype=polars.String).str.split("\n")
    except UnicodeEncodeError:
        return _line_digests_polars([text.encode("utf-8", "replace").decode() for text in texts])
    lines = rows.list.explode().str.strip_chars(SPACES)
    is_long = lines.str.len_chars() > LONGER_THAN
    lines = lines.filter(is_long)
    row = np.repeat(np.arange(len(texts), dtype=np.uint64), rows.list.len().to_numpy())[is_long.to_numpy()]
    return lines.hash(1).to_numpy(), row, lambda at: str(lines[at])
