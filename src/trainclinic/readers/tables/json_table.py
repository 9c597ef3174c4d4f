"""Rows of JSON objects to a table: fast where rows look alike; nested rows and evaluation rows included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.tables.json_array import Piece
from trainclinic.readers.tables.number_columns import floats_of, kind_of, printed_like
from trainclinic.readers.tables.row_columns import alike_rows, numbers_in
from trainclinic.readers.tables.run_columns import is_evaluation, is_phase_name, is_run_name, several_runs
from trainclinic.readers.tables.summary_rows import is_summary, summary_facts
from trainclinic.readers.tables.table import Table, fragments_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.file import LogFile
    from trainclinic.record.facts import Fact

_MOST_NESTING = 3
_PRINTED_SAMPLE = 200
_SHAPE_SAMPLE = 500
_MOST_SHAPES = 64
"""With more kinds of rows than that among the first ones, grouping rows by their keys costs more than it saves."""


class JsonTable:
    """Collects rows of one file.

    Args:
        file: The file; damage is counted on it.
        reader: Name of the reader.
    """

    def __init__(self, file: LogFile, reader: str) -> None:
        self._file = file
        self._table = Table(file, reader)
        self._rows = 0
        self._lines: list[NDArray[np.int64]] = []
        self._runs: dict[int, str] = {}
        self._evaluation: list[NDArray[np.int64]] = []
        self._facts: list[Fact] = []
        self._other: list[Fact] = []

    def add(self, rows: list[dict[str, Any]], lines: NDArray[np.int64], *, flat: bool = False) -> None:
        """Append rows.

        Args:
            rows: Parsed objects.
            lines: Line of each, `[n]`; zeros when lines mean nothing.
            flat: Whether it is known that no row holds another object.
        """
        if not flat:
            rows = [flattened(row) if dict in map(type, row.values()) else row for row in rows]
        if len(set(map(tuple, rows[:_SHAPE_SAMPLE]))) > _MOST_SHAPES:
            self._add_varied(rows, lines)
        else:
            for alike in alike_rows(Piece(rows, lines, np.zeros(len(rows), np.int64)), self._rows):
                if is_summary(alike.keys):
                    self._add_summary({key: column[-1] for key, column in alike.columns.items()}, int(alike.line[-1]))
                else:
                    for key, column in alike.columns.items():
                        self._add_column(key, column, alike.index)
        self._rows += len(rows)
        self._lines.append(lines)

    def sample_digits(self, rows: Sequence[dict[str, str]]) -> None:
        """Learn how many digits the file shows from rows parsed with their numbers left as text."""
        texts: dict[str, list[str]] = {}
        for row in rows[:_PRINTED_SAMPLE]:
            for key, value in flattened(row).items():
                if isinstance(value, str):
                    texts.setdefault(key, []).append(value)
        self._table.printed.update({key: printed_like(column, key) for key, column in texts.items()})

    def fragments(self) -> list[Fragment]:
        """One fragment per run."""
        self._table.lines = np.concatenate(self._lines) if self._lines else np.zeros(0, np.int64)
        if several_runs(list(self._runs.values())):
            self._table.labels = np.asarray([self._runs.get(row, "") for row in range(self._rows)])
        if self._evaluation:
            self._table.mark_evaluation(np.concatenate(self._evaluation))
        fragments = fragments_of(self._table)
        if not fragments and (self._facts or self._other):
            fragments = [Fragment(file=self._file.name, reader=self._table.reader)]
        if fragments:
            fragments[0].facts += self._facts
            fragments[0].other_facts += self._other
        return fragments

    def _add_varied(self, rows: list[dict[str, Any]], lines: NDArray[np.int64]) -> None:
        """Rows of which nearly every one has keys of its own, column by column."""
        columns: dict[str, tuple[list[int], list[Any]]] = {}
        for at, row in enumerate(rows):
            if is_summary(row):
                self._add_summary(row, int(lines[at]))
                continue
            for key, value in row.items():
                places, values = columns.setdefault(key, ([], []))
                places.append(at)
                values.append(value)
        for key, (places, values) in columns.items():
            self._add_column(key, tuple(values), np.asarray(places, np.int64) + self._rows)

    def _add_summary(self, row: dict[str, Any], line: int) -> None:
        """Totals of the run; those of the last summary come first."""
        entries = [(key, value, self._file.source(line or None, key)) for key, value in row.items()]
        facts, other = summary_facts(entries)
        self._facts, self._other = facts + self._facts, other + self._other

    def _add_column(self, key: str, column: tuple[Any, ...], rows: NDArray[np.int64]) -> None:
        """Values of one key in the given rows."""
        values, mask = numbers_in(column)
        if mask.all():
            self._table.add(key, rows, values)
            return
        if mask.any():
            self._table.add(key, rows[mask], values[mask])
        self._add_words(key, column, ~mask, rows)

    def _add_words(self, key: str, column: tuple[Any, ...], words: NDArray[np.bool_], rows: NDArray[np.int64]) -> None:
        """Text values: names of runs, the phase of a row, durations and dates; others are no measurement."""
        places = [at for at in np.flatnonzero(words).tolist() if isinstance(column[at], str)]
        cells = [column[at] for at in places]
        if not cells:
            return
        taken = rows[places]
        if is_run_name(key):
            self._runs.update(zip(taken.tolist(), (cell[:200] for cell in cells), strict=True))
        elif is_phase_name(key):
            self._evaluation.append(taken[[is_evaluation(cell) for cell in cells]])
        elif (kind := kind_of(cells[:50])) in {"duration", "stamp"}:
            found, values, _ = floats_of(cells, kind)
            self._table.add(key, taken[found], values)


def flattened(row: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """A row without nested objects: keys joined with `/`."""
    out: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            if depth < _MOST_NESTING:
                out.update(flattened(value, f"{prefix}{key}/", depth + 1))
        else:
            out[f"{prefix}{key}"] = value
    return out
