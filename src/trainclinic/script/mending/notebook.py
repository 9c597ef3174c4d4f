"""The code cells of a notebook, and the same notebook with other code in them and not one other byte changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from trainclinic.record.errors import ReadError
from trainclinic.script.mending.magics import Masked, masked
from trainclinic.script.mending.patch import Patch, Span, change

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class CodeCell:
    """A code cell.

    Attributes:
        source: Its code.
        span: The characters of the JSON value that holds it.
    """

    source: str
    span: Span

    @cached_property
    def masked(self) -> Masked:
        """The code with its magic lines hidden."""
        return masked(self.source)


@dataclass(frozen=True)
class Notebook:
    """A notebook as JSON text.

    Attributes:
        raw: The text of the file.
        cells: Its code cells by number, from 1; markdown cells count.
    """

    raw: str
    cells: Mapping[int, CodeCell]

    def with_code(self, code: Mapping[int, str]) -> str:
        """The JSON text with other code in some cells.

        Args:
            code: New masked code by number of the cell.

        Raises:
            Refused: If a magic line of a cell would be lost.
        """
        patches = []
        for number, text in code.items():
            cell = self.cells[number]
            if text != cell.masked.text:
                patches.append(Patch(cell.span, self._written(cell.span, cell.masked.restored(text))))
        return change(patches).applied_to(self.raw)

    def _written(self, span: Span, source: str) -> str:
        """Code as JSON in the manner of the value that it replaces: one string or a list of lines, escapes, layout."""
        old = self.raw[span.start : span.end]
        is_ascii = self.raw.isascii()
        if not old.startswith("["):
            return json.dumps(source, ensure_ascii=is_ascii)
        literals = {_text(old[one.start : one.end]): old[one.start : one.end] for one in _items(old, 0)}
        lines = [line for line in re.split(r"(?<=\n)", source) if line]
        written = [literals.get(line) or json.dumps(line, ensure_ascii=is_ascii) for line in lines]
        opening = _BLANK.match(old, 1)
        first = opening[0] if opening else ""
        closing = old[len(old[:-1].rstrip()) : -1]
        return f"[{first}{self._separator(old, first).join(written)}{closing}]"

    def _separator(self, old: str, first: str) -> str:
        items = list(_items(old, 0))
        if len(items) > 1:
            return old[items[0].end : items[1].start]
        return f",{first}" if first else ", "


def read_notebook(raw: str, name: str) -> Notebook:
    """The code cells of a notebook.

    Args:
        raw: The text of the file.
        name: The file as the user would name it.

    Raises:
        ReadError: If it is no notebook of format 4.
    """
    try:
        start = _blank_end(raw, 0)
        cells = next((span for key, span in _members(raw, start) if key == "cells"), None)
        if cells is None:
            message = f"`{name}` has no `cells`, expected a notebook of format 4"
            raise ReadError(message, hint="open and save it with a current Jupyter")
        found = {number: _code(raw, span) for number, span in enumerate(_items(raw, cells.start), start=1)}
    except (ValueError, RecursionError, IndexError) as error:
        message = f"`{name}` is no JSON that can be read: {error}"
        raise ReadError(message) from error
    return Notebook(raw, {number: cell for number, cell in found.items() if cell is not None})


def _code(raw: str, cell: Span) -> CodeCell | None:
    """The code cell at a span of JSON; `None` for cells of other kinds."""
    members = dict(_members(raw, cell.start))
    kind, source = members.get("cell_type"), members.get("source")
    if kind is None or source is None or _text(raw[kind.start : kind.end]) != "code":
        return None
    return CodeCell(_text(raw[source.start : source.end]), source)


def _text(value: str) -> str:
    """The text that a JSON string or list of strings holds."""
    held = json.loads(value)
    return held if isinstance(held, str) else "".join(map(str, held))


def _blank_end(raw: str, at: int) -> int:
    found = _BLANK.match(raw, at)
    return found.end() if found else at


def _members(raw: str, at: int) -> Iterator[tuple[str, Span]]:
    """Keys of the JSON object that begins at an offset, with the characters of their values."""
    at = _expect(raw, at, "{")
    while raw[at] != "}":
        key, at = _DECODER.raw_decode(raw, at)
        at = _expect(raw, _blank_end(raw, at), ":")
        _, end = _DECODER.raw_decode(raw, at)
        yield str(key), Span(at, end)
        at = _blank_end(raw, end)
        at = _expect(raw, at, ",") if raw[at] == "," else at


def _items(raw: str, at: int) -> Iterator[Span]:
    """Characters of each value of the JSON list that begins at an offset."""
    at = _expect(raw, at, "[")
    while raw[at] != "]":
        _, end = _DECODER.raw_decode(raw, at)
        yield Span(at, end)
        at = _blank_end(raw, end)
        at = _expect(raw, at, ",") if raw[at] == "," else at


def _expect(raw: str, at: int, sign: str) -> int:
    """The next character after a sign and the white space behind it."""
    if raw[at] != sign:
        message = f"expected `{sign}` at character {at}"
        raise ValueError(message)
    return _blank_end(raw, at + 1)
