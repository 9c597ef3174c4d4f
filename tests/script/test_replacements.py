"""The spans of text that a mending changes: put into the old text, they give the new one."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from trainclinic.script.alarm import Edit, Mending
from trainclinic.script.places import Place
from trainclinic.script.replacements import replacements_of

CODE = "import torch\n\nloss = model(x, labels=y)\nloss.backward()\nprint(loss)"
MODEL = Place("a.py", 3, 8, 3, 26)
BACKWARD = Place("a.py", 4, 1, 4, 16)
PRINT = Place("a.py", 5, 1, 5, 12)


def carried_out(edits: tuple[Edit, ...], text: str = CODE) -> str:
    """The text with every span replaced, the last one first."""
    for place, new in reversed(replacements_of(Mending("x", "safe", edits), {"a.py": text})):
        lines = text.splitlines(keepends=True)
        start = sum(map(len, lines[: place.line - 1])) + place.column - 1
        end = sum(map(len, lines[: place.end_line - 1])) + place.end_column - 1
        text = text[:start] + new + text[end:]
    return text


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ((Edit("set_argument", MODEL, code="x", name="labels"),), CODE.replace("labels=y", "labels=x")),
        ((Edit("insert_before", BACKWARD, code="check(loss)"),), CODE.replace("loss.back", "check(loss)\nloss.back")),
        ((Edit("remove_statement", BACKWARD),), CODE.replace("loss.backward()\n", "")),
        ((Edit("insert_after", PRINT, code="done()"),), CODE + "\ndone()"),
        (
            (Edit("set_argument", MODEL, code="x", name="labels"), Edit("replace", PRINT, code="log(loss)")),
            CODE.replace("labels=y", "labels=x").replace("print", "log"),
        ),
    ],
    ids=["argument", "line before", "no line", "line at the end", "two places"],
)
def test_the_spans_say_the_change(edits: tuple[Edit, ...], expected: str) -> None:
    assert carried_out(edits).rstrip("\n") == expected
    ast.parse(carried_out(edits))


def test_lines_between_two_changed_places_are_not_touched() -> None:
    edits = (Edit("set_argument", MODEL, code="x", name="labels"), Edit("replace", PRINT, code="log(loss)"))
    spans = replacements_of(Mending("x", "safe", edits), {"a.py": CODE})
    assert [(place.line, place.end_line) for place, _ in spans] == [(3, 4), (5, 5)]


@pytest.mark.parametrize(
    "edit",
    [
        Edit("replace", Place("run.ipynb", 3, 8, 3, 26, 2), code="f()"),
        Edit("replace", Place("other.py", 3, 8, 3, 26), code="f()"),
        Edit("set_argument", Place("a.py", 5, 1, 5, 3), code="x", name="labels"),
    ],
    ids=["notebook", "unknown file", "no such call"],
)
def test_an_edit_that_cannot_be_told_so_gives_nothing(edit: Any) -> None:
    assert replacements_of(Mending("x", "safe", (edit,)), {"a.py": CODE, "run.ipynb": CODE}) == ()


def test_a_mending_in_words_alone_changes_nothing() -> None:
    assert replacements_of(Mending("write it anew"), {"a.py": CODE}) == ()
