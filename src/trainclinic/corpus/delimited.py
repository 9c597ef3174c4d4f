"""Tables in text: rows of cells behind a header, cells in quotes over several lines, lines counted.

It knows delimiters and quotes. It does not know what columns mean.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from trainclinic.corpus.raw import Raw
from trainclinic.corpus.row_schema import understood
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import MAX_LINE, DataFile

_LEAST_EVEN = 0.8
_LOOKED_AT = 20


def table_confidence(file: DataFile, delimiters: str, ending: str) -> float:
    """Confidence that a file is a table with one of these delimiters.

    Args:
        file: The file.
        delimiters: What may separate cells.
        ending: How such files are usually called.
    """
    return max(_confidence(file, delimiter, ending) for delimiter in delimiters)


def _confidence(file: DataFile, delimiter: str, ending: str) -> float:
    lines = file.head_text.splitlines()
    if not file.is_short:
        lines = lines[:-1]
    try:
        rows = list(csv.reader([f"{line}\n" for line in lines[:200]], delimiter=delimiter))[: _LOOKED_AT + 1]
    except csv.Error:
        rows = []
    if not rows or file.is_binary:
        return 0.0
    header, body = [cell.strip() for cell in rows[0]], [row for row in rows[1:] if row]
    even = sum(len(row) == len(header) for row in body) >= _LEAST_EVEN * max(1, len(body))
    first = dict.fromkeys(header, "x") | dict(zip(header, body[0] if body else [], strict=False))
    is_known = understood(first)[0] is not None
    is_named = file.is_called(ending)
    if len(header) > 1 and all(header) and even and (is_known or is_named):
        return 0.85 if is_known else 0.6
    return 0.5 if is_named and (is_known or len(header) > 1) else 0.0


def read_table(file: DataFile, delimiters: str) -> Iterator[Raw | Trouble]:
    """The rows below the header; cells that a row has too many are left out, cells that it lacks are missing fields.

    Args:
        file: The file.
        delimiters: What may separate cells; the first one, where several fit equally well.
    """
    delimiter = max(delimiters, key=lambda one: _confidence(file, one, ""))
    csv.field_size_limit(MAX_LINE)
    lines = (f"{line.text.replace(chr(0), '')}\n" for line in file.lines(compares_ends=False))
    reader = csv.reader(lines, delimiter=delimiter)
    header: list[str] = []
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield file.trouble("uneven-columns", f"the row cannot be split into cells: {error}", line, loses_row=True)
            line = reader.line_num + 1
            continue
        if cells is None:
            return
        first, line = line, reader.line_num + 1
        if not header:
            header = [cell.strip() for cell in cells]
        elif cells and any(cells):
            if len(cells) != len(header):
                says = f"the row has {len(cells):,} cells under {len(header):,} columns"
                yield file.trouble("uneven-columns", says, first)
            yield Raw(dict(zip(header, cells, strict=False)), first, from_table=True)
