"""Tables in a piece of HTML, and the progress line that stands above those of training callbacks.

It reads text out of `tr`, `th` and `td` and looks at nothing else; what the columns mean is not known here.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser

MAX_CHARACTERS = 64 * 1_048_576


@dataclass(slots=True)
class HtmlTable:
    """One table.

    Attributes:
        head: Texts of the first row.
        rows: Texts of the other rows.
        before: Text that stands before it in the same output, blanks folded.
    """

    head: list[str]
    rows: list[list[str]]
    before: str = ""


@dataclass(slots=True)
class _Open:
    rows: list[list[str]] = field(default_factory=list)
    before: str = ""


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[HtmlTable] = []
        self._open: _Open | None = None
        self._cell: list[str] | None = None
        self._outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell; a table inside a table is taken for a part of its cell."""
        del attrs
        if tag == "table" and self._open is None:
            self._open = _Open(before=" ".join("".join(self._outside).split()))
            self._outside.clear()
        elif tag == "tr" and self._open is not None:
            self._end_cell()
            self._open.rows.append([])
        elif tag in {"td", "th"} and self._open is not None:
            self._end_cell()
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        """End a cell or the table."""
        if tag in {"td", "th", "tr"}:
            self._end_cell()
        elif tag == "table":
            self.end_table()

    def handle_data(self, data: str) -> None:
        """Text of a cell, or text outside of tables."""
        if self._cell is not None:
            self._cell.append(data)
        elif self._open is None:
            self._outside.append(data)

    def end_table(self) -> None:
        """Keep the table, also when the page ends inside it."""
        self._end_cell()
        if self._open is not None and (rows := [row for row in self._open.rows if row]):
            self.tables.append(HtmlTable(rows[0], rows[1:], self._open.before))
        self._open = None

    def _end_cell(self) -> None:
        if self._cell is not None and self._open is not None:
            if not self._open.rows:
                self._open.rows.append([])
            self._open.rows[-1].append(" ".join("".join(self._cell).split()))
        self._cell = None


def html_tables(page: str) -> list[HtmlTable]:
    """The tables of a page, outermost ones only, in their order.

    Args:
        page: HTML, well formed or not; only the first `MAX_CHARACTERS` are looked at.
    """
    if "<t" not in page and "<T" not in page:
        return []
    parser = _Parser()
    with suppress(AssertionError):  # how the parser answers to torn declarations
        parser.feed(page[:MAX_CHARACTERS])
        parser.close()
    parser.end_table()
    return parser.tables
