"""Notebooks: their code cells as one Python text, with the way back from its lines to cells.

It knows the JSON of notebooks, formats 3 and 4. It does not look at outputs, and a cell that cannot be parsed takes no
other down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trainclinic.record.parts import Damage
from trainclinic.record.source import Source
from trainclinic.script.sources.decoding import plain_lines
from trainclinic.script.sources.magics import blank, without_magics
from trainclinic.script.sources.parsing import parsed


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell.

    Attributes:
        number: Its place among all cells, from 1.
        first: Line of the joined text on which it begins, from 1.
        lines: Its lines as the notebook shows them.
    """

    number: int
    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notebook:
    """What a notebook holds.

    Attributes:
        text: All code cells, one after the other, without IPython's own lines; empty when it cannot be read.
        cells: The code cells.
        shell_lines: Command lines, each with its first line in `text`.
        trouble: Cells that were left out, and why.
        is_readable: Whether this is a notebook with Python in it.
    """

    text: str = ""
    cells: tuple[Cell, ...] = ()
    shell_lines: tuple[tuple[str, int], ...] = ()
    trouble: tuple[Damage, ...] = ()
    is_readable: bool = True


def read_notebook(raw: str, name: str) -> Notebook:
    """Take the code out of a notebook.

    Args:
        raw: The text of the file.
        name: How the user would name it.
    """
    try:
        whole = json.loads(raw)
        sources = list(_code_cells(whole))
        language = _language(whole)
    except json.JSONDecodeError as error:
        return _unreadable(f"is no notebook: {error.msg}", Source(name, error.lineno))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _unreadable("is no notebook: it is JSON without cells", Source(name))
    if language not in ("", "python"):
        return _unreadable(f"notebook is written in `{language}`, not in Python", Source(name))
    texts: list[str] = []
    cells: list[Cell] = []
    shell: list[tuple[str, int]] = []
    trouble: list[Damage] = []
    first = 1
    for number, source in sources:
        plain = without_magics(source)
        shell += [(command, line + first - 1) for command, line in plain.shell_lines]
        code, damage = _checked(plain.text, plain.says, f"{name}[cell {number}]")
        trouble += damage
        lines = source.split("\n")
        cells.append(Cell(number, first, tuple(lines)))
        texts.append(code)
        first += len(lines)
    return Notebook("\n".join(texts), tuple(cells), tuple(shell), tuple(trouble))


def _unreadable(says: str, source: Source) -> Notebook:
    return Notebook(trouble=(Damage(says, source),), is_readable=False)


def _code_cells(whole: Any) -> Iterator[tuple[int, str]]:
    """Number and text of each code cell; `KeyError` and its like when there are no cells."""
    cells = whole["cells"] if "cells" in whole else [cell for sheet in whole["worksheets"] for cell in sheet["cells"]]
    for number, cell in enumerate(cells, start=1):
        if cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            text = "".join(map(str, source)) if isinstance(source, list) else str(source)
            yield number, plain_lines(text)


def _language(whole: Any) -> str:
    metadata = whole.get("metadata")
    for key, inner in (("language_info", "name"), ("kernelspec", "language")):
        stated = metadata.get(key) if isinstance(metadata, dict) else None
        language = stated.get(inner) if isinstance(stated, dict) else None
        if isinstance(language, str):
            return language.strip().lower().rstrip("0123456789.")
    return ""


def _checked(code: str, says: str, place: str) -> tuple[str, list[Damage]]:
    """The code of a cell, blank when it cannot be parsed."""
    if says:
        return code, [Damage(says, Source(place, 1))]
    result = parsed(code)
    if result.tree is not None:
        return code, []
    return blank(code), [Damage(f"cell was left out: {result.says}", Source(place, result.line or 1))]
