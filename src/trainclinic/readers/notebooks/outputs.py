"""What the cells of a notebook put out, as lines: printed text, results, tables and tracebacks in their order.

It knows the JSON of notebooks, formats 3 and 4, and saves the cells before the cut of a torn file. Pictures, widgets
(whose saved text is their first state) and code are left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainclinic.readers.notebooks.html_tables import HtmlTable, html_tables

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

MAX_CELLS = 5_000
MAX_LINES = 2_000_000
_WIDGET = "application/vnd.jupyter.widget-view+json"
_CELLS = re.compile(r'"cells"\s*:\s*\[')
_DICTIONARY = re.compile(r"\s*\{\s*['\"][^{}]*\}\s*", re.S)


@dataclass(slots=True)
class CellOutput:
    """The outputs of one cell.

    Attributes:
        number: Its place among all cells, from 1; those of text count.
        lines: The lines as the notebook shows them; a table takes one line for its head and one for each row, which are
            empty here.
        tables: The tables, each with the line of its head, from 1.
        failures: Lines at which a traceback begins, from 1, each with the line behind it.
    """

    number: int
    lines: list[str] = field(default_factory=list)
    tables: list[tuple[int, HtmlTable]] = field(default_factory=list)
    failures: list[tuple[int, int]] = field(default_factory=list)

    def text(self, *, with_failures: bool) -> str:
        """The lines as one text; without tracebacks, if so wanted, but with their lines counted."""
        lines = list(self.lines)
        for begin, end in [] if with_failures else self.failures:
            lines[begin - 1 : end - 1] = [""] * (end - begin)
        return "\n".join(lines)


def cell_outputs(file: LogFile) -> list[CellOutput]:
    """The outputs of every cell that has any; what is torn or shaped otherwise is counted as damage.

    Args:
        file: The notebook.

    Raises:
        ReadError: If the file is too large to be read in one piece.
    """
    found: list[CellOutput] = []
    room = MAX_LINES
    for number, cell in enumerate(_cells(file), start=1):
        if number > MAX_CELLS or room <= 0:
            file.count_damage("outputs beyond the first were not read, the notebook is too long")
            break
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        if not isinstance(outputs, list) or not outputs:
            continue
        shown = CellOutput(number)
        for output in outputs:
            if isinstance(output, dict):
                _take(shown, output)
            else:
                file.count_damage("output of a cell that is not an object")
        room -= len(shown.lines)
        found.append(shown)
    return found


def _cells(file: LogFile) -> Iterator[Any]:
    text = file.text()
    try:
        whole = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        yield from _cells_before_the_cut(file, text)
        return
    if not isinstance(whole, dict):
        return
    sheets = whole.get("worksheets")
    holders = [whole, *(sheets if isinstance(sheets, list) else [])]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from cells if isinstance(cells, list) else []


def _cells_before_the_cut(file: LogFile, text: str) -> Iterator[Any]:
    begin = _CELLS.search(text)
    decoder = json.JSONDecoder()
    at = begin.end() if begin else len(text)
    while at < len(text):
        at += len(text[at : at + 200]) - len(text[at : at + 200].lstrip(", \r\n\t"))
        try:
            cell, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        yield cell
    file.count_damage("notebook is torn, the cells after the tear are lost", text.count("\n", 0, at) + 1)


def _take(shown: CellOutput, output: dict[str, Any]) -> None:
    kind = output.get("output_type")
    if kind == "stream":
        _add_text(shown, _joined(output.get("text")))
    elif kind in {"error", "pyerr"}:
        begin = len(shown.lines) + 1
        _add_text(shown, "\n".join(_texts(output.get("traceback"))) or _named_error(output))
        shown.failures.append((begin, len(shown.lines) + 1))
    elif kind in {"display_data", "execute_result", "update_display_data", "pyout"}:
        _take_shown(shown, output)


def _take_shown(shown: CellOutput, output: dict[str, Any]) -> None:
    """A result: its tables when it has some, else its plain text."""
    data = output.get("data")
    data = data if isinstance(data, dict) else output  # format 3 has no `data`
    page = _joined(data.get("text/html", data.get("html")))
    tables = html_tables(page) if page else []
    for table in tables:
        shown.tables.append((len(shown.lines) + 1, table))
        shown.lines += [""] * (1 + len(table.rows))
    if not tables and _WIDGET not in data:
        text = _joined(data.get("text/plain", data.get("text")))
        if _DICTIONARY.fullmatch(text):  # a result that is a dictionary is printed over several lines
            text = " ".join(text.split("\n")) + "\n" * text.rstrip("\n").count("\n")
        _add_text(shown, text)


def _add_text(shown: CellOutput, text: str) -> None:
    r"""Append text; a piece that does not end its line is finished by the next one only when it begins with `\r`."""
    if not text:
        return
    lines = text.removesuffix("\n").split("\n")
    if text.startswith("\r") and shown.lines:
        shown.lines[-1] += lines.pop(0)
    shown.lines += lines


def _named_error(output: dict[str, Any]) -> str:
    return ": ".join(str(output[key]) for key in ("ename", "evalue") if output.get(key))


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "".join(_texts(value))


def _texts(value: Any) -> list[str]:
    return [piece for piece in value if isinstance(piece, str)] if isinstance(value, list) else []
