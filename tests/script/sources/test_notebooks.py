"""Notebooks: cells, magic lines, and the way back to the cell."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from tests.script.sources.test_source import place_of_call, says

from trainclinic.script.places import Place
from trainclinic.script.sources.magics import without_magics
from trainclinic.script.sources.source import SourceFile, read_source


def read(folder: Path, *cells: str, **more: Any) -> SourceFile:
    """A notebook of code cells; those that begin with `# ` and a capital letter are of Markdown."""
    listed = [
        {"cell_type": "markdown" if cell.startswith("## ") else "code", "source": cell.splitlines(keepends=True)}
        for cell in cells
    ]
    return read_text(folder, json.dumps({"cells": listed, "nbformat": 4, **more}))


def read_text(folder: Path, text: str) -> SourceFile:
    path = folder / "run.ipynb"
    path.write_text(text, encoding="utf-8")
    return read_source(path, "run.ipynb")


class TestCells:
    def test_a_place_names_the_cell_and_the_line_in_it(self, tmp_path: Path) -> None:
        file = read(tmp_path, "## Training", "x = 1\ny = 2", "z = 3\nf(x,\n  z)")
        assert file.text == "x = 1\ny = 2\nz = 3\nf(x,\n  z)"
        place = place_of_call(file, "f")
        assert place == Place("run.ipynb", 2, 1, 3, 5, cell=3)
        assert str(place) == "run.ipynb[cell 3]:2:1"
        assert file.snippet(place) == "f(x,\n  z)"
        assert file.text_line(place) == (4, 5)

    def test_a_broken_cell_takes_no_other_down(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 1", "y = (\n2", "f(x)")
        assert place_of_call(file, "f").cell == 3
        assert says(file) == ["run.ipynb[cell 2]:1: cell was left out: syntax error: '(' was never closed"]
        assert file.line_text(1, 2) == "y = ("

    def test_a_cell_of_python_2_is_said(self, tmp_path: Path) -> None:
        file = read(tmp_path, "f(1)", "x = 1\nprint 'loss'")
        assert says(file)[0].startswith("run.ipynb[cell 2]:2: cell was left out: code is Python 2")

    def test_cells_that_end_with_a_line_end_keep_the_count(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 1\n", "\n", "f(2)\n")
        assert place_of_call(file, "f") == Place("run.ipynb", 1, 1, 1, 5, cell=3)

    def test_the_whole_module_is_placed_in_its_first_cell(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 1\ny = 22", "z = 3")
        assert file.tree is not None
        assert file.place(file.tree) == Place("run.ipynb", 1, 1, 1, 6, cell=1)

    def test_older_notebooks_hold_their_cells_in_worksheets(self, tmp_path: Path) -> None:
        sheet = {"cells": [{"cell_type": "code", "input": ["f(1)"]}]}
        assert place_of_call(read_text(tmp_path, json.dumps({"worksheets": [sheet]})), "f").cell == 1

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{", "run.ipynb:1: is no notebook: Expecting property name"),
            ("[]", "run.ipynb: is no notebook: it is JSON without cells"),
            ('{"cells": 3}', "run.ipynb: is no notebook: it is JSON without cells"),
            ("[" * 100_000, "run.ipynb: is no notebook"),
            ('{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}', "run.ipynb: notebook is written in `r`"),
        ],
        ids=lambda text: text[:20],
    )
    def test_what_is_no_python_notebook_is_said(self, tmp_path: Path, text: str, expected: str) -> None:
        file = read_text(tmp_path, text)
        assert file.tree is None
        assert says(file)[0].startswith(expected)

    def test_an_empty_notebook_is_an_empty_program(self, tmp_path: Path) -> None:
        file = read(tmp_path)
        assert file.tree is not None
        assert file.trouble == ()

    def test_lone_surrogates_do_no_harm(self, tmp_path: Path) -> None:
        file = read_text(tmp_path, '{"cells": [{"cell_type": "code", "source": "f(\'\\ud800\')"}]}')
        assert place_of_call(file, "f").end_column == 7

    def test_comments_silence_the_cell_that_they_stand_in(self, tmp_path: Path) -> None:
        file = read(tmp_path, "f(1)", "f(2)  # trainclinic: ignore[LBL001]")
        assert not file.suppressed.covers("LBL001", "", *file.text_line(Place("run.ipynb", 1, 1, 1, 5, cell=1)))
        assert file.suppressed.covers("LBL001", "", *file.text_line(Place("run.ipynb", 1, 1, 1, 5, cell=2)))


class TestMagicLines:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("%matplotlib inline", ""),
            ("!nvidia-smi", ""),
            ("x = !ls -l", "x = None"),
            ("x = %time f(1)", "x = None"),
            ("%time f(1)", "0;    f(1)"),
            ("if x:\n    !ls", "if x:\n    pass"),
            ("!pip install \\\n  trl", "\n"),
            ("df.head?", ""),
            ("?f", ""),
            ("x = 5\\\n%y", "x = 5\\\n%y"),
            ("x = (5\n%y)\n%cd z", "x = (5\n%y)\n"),
            ('x = """\n!ls\n"""', 'x = """\n!ls\n"""'),
            ("# it's (\n%cd x", "# it's (\n"),
            ("'a\\'(' ; f(1)\n!ls", "'a\\'(' ; f(1)\n"),
        ],
    )
    def test_they_go_and_everything_else_stays_in_its_place(self, line: str, expected: str) -> None:
        assert without_magics(line).text == expected
        ast.parse(expected)

    @pytest.mark.parametrize("name", ["bash", "html", "writefile train.py", "sql"])
    def test_a_cell_in_another_language_is_blank(self, tmp_path: Path, name: str) -> None:
        file = read(tmp_path, f"%%{name}\nf(1)", "f(2)")
        assert place_of_call(file, "f").cell == 2
        assert file.trouble == ()

    @pytest.mark.parametrize("name", ["time", "capture out"])
    def test_a_cell_that_is_timed_keeps_its_body(self, tmp_path: Path, name: str) -> None:
        assert place_of_call(read(tmp_path, f"%%{name}\nx = 1\nf(1)"), "f").line == 3

    def test_a_cell_of_an_unknown_kind_is_left_out_and_said(self, tmp_path: Path) -> None:
        file = read(tmp_path, "%%sparkle\nf(1)")
        assert says(file) == ["run.ipynb[cell 1]:1: cell was left out: `%%sparkle` is not known to hold Python"]

    def test_command_lines_are_kept_with_their_line(self, tmp_path: Path) -> None:
        file = read(
            tmp_path,
            "x = 1\n!pip install trl",
            "%%bash\nls\n",
            "%%time\n!nvidia-smi",
            "%env A=1\n%pip install peft\n%cd x",
        )
        assert file.shell_lines == (
            ("pip install trl", 2),
            ("ls\n", 4),
            ("nvidia-smi", 7),
            ("export A=1", 8),
            ("pip install peft", 9),
        )
