"""What the edits of a mending change, as spans of text: for tools that show or apply a change without knowing Python.

It carries nothing out in files. Notebooks have no text that such a tool could change, so their edits are left out.
"""

from __future__ import annotations

import difflib
import io
from collections.abc import Mapping

from trainclinic.record.errors import TrainclinicError
from trainclinic.script.alarm import Mending
from trainclinic.script.places import Place


def replacements_of(mending: Mending, texts: Mapping[str, str]) -> tuple[tuple[Place, str], ...]:
    """Spans of whole lines, each with the text that stands there afterwards.

    Args:
        mending: What to change.
        texts: Texts of files by the paths of places.

    Returns:
        Nothing when an edit is about a notebook or an unknown file, when it is refused, or without libcst.
    """
    from trainclinic.script.mending.apply import apply_mendings

    touched = {place.path for edit in mending.edits for place in (edit.place, edit.target) if place is not None}
    in_cells = any(edit.place.cell for edit in mending.edits)
    if not mending.edits or in_cells or not touched <= texts.keys():
        return ()
    try:
        applied = apply_mendings({(path, 0): texts[path] for path in touched}, [mending.edits])
    except TrainclinicError:
        return ()
    return tuple(
        replacement
        for (path, _), text in sorted(applied.texts.items())
        for replacement in _between(path, texts[path], text)
    )


def _between(path: str, old: str, new: str) -> list[tuple[Place, str]]:
    """The runs of lines that differ."""
    before, after = _lines(old), _lines(new)
    found = []
    for kind, first, last, new_first, new_last in difflib.SequenceMatcher(
        a=before, b=after, autojunk=False
    ).get_opcodes():
        if kind != "equal":
            place = Place(path, *_start(before, first), *_start(before, last))
            found.append((place, "".join(after[new_first:new_last])))
    return found


def _start(lines: list[str], at: int) -> tuple[int, int]:
    """Line and column at which a line begins; behind the last one, where the text ends."""
    if at < len(lines) or not lines or lines[-1].endswith(("\n", "\r")):
        return at + 1, 1
    return len(lines), len(lines[-1]) + 1


def _lines(text: str) -> list[str]:
    """Lines with their ends, as the parser counts them."""
    return list(io.StringIO(text, newline=""))
