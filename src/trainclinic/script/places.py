"""Where something stands in the user's code."""

from __future__ import annotations

from dataclasses import dataclass

from trainclinic.record.source import Source


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A span of source text, in the coordinates that an editor shows.

    Attributes:
        path: File as the user would name it, with `/`.
        line: First line, from 1; in a notebook the line inside the cell.
        column: First column, from 1, in characters.
        end_line: Last line.
        end_column: Column after the last character.
        cell: Number of the notebook cell from 1 (markdown cells count), 0 outside notebooks.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    cell: int = 0

    @property
    def source(self) -> Source:
        """The same place as evidence carries it."""
        return Source(f"{self.path}[cell {self.cell}]" if self.cell else self.path, self.line)

    def __str__(self) -> str:
        """`train.py:12:5`, or `run.ipynb[cell 3]:12:5`."""
        return f"{self.source.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Step:
    """One station on the way of a value through the code.

    Attributes:
        place: Where.
        says: What happens there, without full stop.
    """

    place: Place
    says: str
