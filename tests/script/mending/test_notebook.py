"""Notebooks: only the JSON of the changed cells changes, in the manner in which it was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.script.mending.marked import find

from trainclinic.record.errors import ReadError
from trainclinic.script.alarm import Edit
from trainclinic.script.mending.apply import apply_mendings
from trainclinic.script.mending.magics import masked
from trainclinic.script.mending.notebook import read_notebook
from trainclinic.script.mending.patch import Refused
from trainclinic.script.mending.script_file import ScriptFile

TRAIN = ["%matplotlib inline\n", "x = 'ü'\n", "!pip install trl\n", "f(a)"]


def notebook(source: Any, **options: Any) -> str:
    """A notebook with a markdown cell before and a code cell behind the one that is edited."""
    cells = [
        {"cell_type": "markdown", "source": ["f(a)\n"], "metadata": {}},
        {"source": source, "cell_type": "code", "outputs": [{"text": "1.0e-05 f(a)"}], "execution_count": None},
        {"cell_type": "code", "source": [], "metadata": {"x": 1e-05}},
    ]
    return json.dumps({"nbformat": 4, "cells": cells, "nbformat_minor": 5}, **options)


def edited(raw: str, *edits: Edit) -> str:
    file = ScriptFile("run.ipynb", Path("run.ipynb"), raw.encode())
    applied = apply_mendings(file.units, [edits])
    assert applied.done == (0,)
    return file.edited(applied.texts)


def edit_of(source: list[str], code: str, new: str) -> Edit:
    return Edit("replace", find("".join(source), code, "run.ipynb", 2), code=new)


@pytest.mark.parametrize("indent", [None, 1, 4, "\t"])
@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("end", ["", "\n"])
def test_nothing_but_the_line_changes(indent: Any, ensure_ascii: bool, end: str) -> None:
    def written(source: list[str]) -> str:
        return notebook(source, indent=indent, ensure_ascii=ensure_ascii) + end

    after = edited(written(TRAIN), edit_of(TRAIN, "f(a)", "f('é')"))
    assert after == written([*TRAIN[:3], "f('é')"])


def test_lines_are_added_and_removed_in_the_list() -> None:
    source = ["a()\n", "b()\n"]
    after = edited(
        notebook(source, indent=1),
        Edit("insert_before", find("".join(source), "a()", "run.ipynb", 2), code="new()\nother()"),
        Edit("remove_statement", find("".join(source), "b()", "run.ipynb", 2)),
    )
    assert after == notebook(["new()\n", "other()\n", "a()\n"], indent=1)


def test_a_single_string_stays_one() -> None:
    assert edited(notebook("a()\nf(a)"), edit_of(["a()\nf(a)"], "f(a)", "g(b)")) == notebook("a()\ng(b)")


def test_lines_that_stay_keep_their_escapes() -> None:
    raw = notebook(["s = '/'\n", "f(a)"]).replace("'/'", "'\\/\\u0041'")
    assert edited(raw, edit_of(["s = '/A'\n", "f(a)"], "f(a)", "g()")) == raw.replace('"f(a)"]', '"g()"]', 1)


def test_places_of_other_cells_are_not_found() -> None:
    file = ScriptFile("run.ipynb", Path("run.ipynb"), notebook(TRAIN).encode())
    markdown = Edit("replace", find("f(a)", "f(a)", "run.ipynb", 1), code="b")
    assert apply_mendings(file.units, [(markdown,)]).refused == {0: "`run.ipynb` has no such code"}


@pytest.mark.parametrize(
    "cell",
    [
        "%%time\nx = 1",
        "%%bash\nls\necho 'a'",
        "if x:\n    !pip install a \\\n      b\n    y()",
        "files = !ls\nf(files)",
        "model?\n",
        "x = [\n  1\n  % 2\n]",
        's = """\n%time\n!ls\n"""',
    ],
)
def test_magic_lines_survive(cell: str) -> None:
    hidden = masked(cell)
    assert hidden.text.count("\n") == cell.count("\n")
    compile(hidden.text, "cell", "exec")
    assert hidden.restored(hidden.text) == cell


@pytest.mark.parametrize("text", ["", "trainclinic_magic_0_\ntrainclinic_magic_0_"])
def test_a_magic_line_that_would_get_lost_or_doubled_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="magic line"):
        masked("if x:\n    !ls").restored(text)


@pytest.mark.parametrize(
    "raw", ["", "[]", "{", '{"cells": [', '{"worksheets": []}', '{"cells": {}}', "{} x", '"cells"']
)
def test_what_is_no_notebook_is_an_error_that_names_the_file(raw: str) -> None:
    with pytest.raises(ReadError, match=r"`run\.ipynb`"):
        read_notebook(raw, "run.ipynb")
