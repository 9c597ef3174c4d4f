"""One JSON document: an array of rows, or an object that holds its rows in lists (`{"data": [...]}`).

The document is walked value by value, so that its size does not matter; several documents in one file are walked in
turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from trainclinic.corpus.container import Container
from trainclinic.corpus.json_form import ROW_LISTS, json_form, rows_of_columns
from trainclinic.corpus.json_rows import BROKEN
from trainclinic.corpus.json_walk import JsonWalk
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import DataFile

_OPENS_OBJECT = re.compile(r"\[\s*\{")


def sniff(file: DataFile) -> float:
    """By an array or an object that goes on over several lines, or wraps rows; by name where it cannot be told."""
    if json_form(file) == "document":
        return 0.9
    return 0.2 if file.is_called(".json") else 0.0


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Every element of the array, or of the lists inside the object; an object without such lists is one row."""
    walk = JsonWalk(file)
    while opening := walk.peek():
        if opening == "[":
            yield from _elements(walk, "")
        elif opening == "{":
            yield from _members(walk)
        else:
            yield from _value(walk, "")
        walk.skip(",")
        yield from file.told()


def _elements(walk: JsonWalk, name: str) -> Iterator[Raw | Trouble]:
    """The elements of the list that begins here; line feeds or nothing between them are forgiven."""
    walk.take("[")
    at = 0
    while (opening := walk.peek()) not in {"", "]"}:
        if opening == ",":
            walk.take(",")
            continue
        line = walk.line
        value = walk.value()
        if value is BROKEN:
            if not walk.find_next_row():
                return
        else:
            walk.remember(value)
            yield Raw(value, line, f"{name}[{at}]" if name else "")
        at += 1
    walk.end_list()


def _members(walk: JsonWalk) -> Iterator[Raw | Trouble]:
    """The rows inside the object that begins here, or the object itself."""
    walk.take("{")
    line, own, has_rows = walk.line, dict[str, Any](), False
    while (opening := walk.peek()) not in {"", "}"}:
        if opening == ",":
            walk.take(",")
            continue
        name = walk.name()
        if name is None:
            return
        if name.lower() not in ROW_LISTS and walk.matches(_OPENS_OBJECT):
            has_rows = True
            yield from _elements(walk, name)
            continue
        value = walk.value()
        if value is BROKEN:
            return
        if not has_rows:
            own[name] = value
    walk.take("}")
    if rows := rows_of_columns(own):
        for at, row in enumerate(rows):
            yield Raw(row, line, f"[{at}]")
    elif not has_rows:
        yield Raw(own, line)


def _value(walk: JsonWalk, name: str) -> Iterator[Raw | Trouble]:
    line, value = walk.line, walk.value()
    if value is not BROKEN:
        yield Raw(value, line, name)
    else:
        walk.give_up()


CONTAINER = Container(
    form="json",
    title="JSON",
    recognised_by="one array, or an object over several lines or around a list of objects",
    sniff=sniff,
    read=read,
)
