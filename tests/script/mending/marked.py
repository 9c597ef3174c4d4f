"""Code in which the places that an edit is about are marked: `«...»` for its place, `‹...›` for its target."""

from __future__ import annotations

import re
from typing import Any

from trainclinic.script.alarm import Edit
from trainclinic.script.places import Place

_MARKS = re.compile("[«»‹›]")


def unmarked(code: str) -> tuple[str, dict[str, int]]:
    """The code without marks, and the offset of each mark in it."""
    offsets = {match[0]: match.start() - number for number, match in enumerate(_MARKS.finditer(code))}
    return _MARKS.sub("", code), offsets


def place_of(text: str, start: int, end: int, path: str = "train.py", cell: int = 0) -> Place:
    """The place of some characters, as an editor counts lines and columns."""

    def position(offset: int) -> tuple[int, int]:
        lines = re.split(r"\r\n|\r|\n", text[:offset])
        return len(lines), len(lines[-1]) + 1

    return Place(path, *position(start), *position(end), cell)


def find(text: str, code: str, path: str = "train.py", cell: int = 0) -> Place:
    """The place of the first such code in a text."""
    start = text.index(code)
    return place_of(text, start, start + len(code), path, cell)


def marked_edit(code: str, kind: Any, /, **fields: str) -> tuple[str, Edit]:
    """The code without marks, and an edit of what is marked in it."""
    text, offsets = unmarked(code)
    target = place_of(text, offsets["‹"], offsets["›"]) if "‹" in offsets else None
    return text, Edit(kind, place_of(text, offsets["«"], offsets["»"]), target=target, **fields)
