"""One Python file: bytes to text, text to tree, nodes to places."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainclinic.script.places import Place
from trainclinic.script.sources import source as module
from trainclinic.script.sources.source import SourceFile, read_source


def read(folder: Path, data: bytes | str, name: str = "train.py") -> SourceFile:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_source(path, name)


def says(file: SourceFile) -> list[str]:
    return [f"{damage.source}: {damage.says}" for damage in file.trouble]


def place_of_call(file: SourceFile, name: str) -> Place:
    assert file.tree is not None
    calls = (node for node in ast.walk(file.tree) if isinstance(node, ast.Call))
    return next(file.place(call) for call in calls if isinstance(call.func, ast.Name) and call.func.id == name)


class TestBytes:
    def test_a_plain_file_has_no_trouble(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 1\n")
        assert (file.text, file.trouble, file.kind, file.asked) == ("x = 1\n", (), "python", True)
        assert isinstance(file.tree, ast.Module)

    def test_a_byte_order_mark_is_no_column(self, tmp_path: Path) -> None:
        file = read(tmp_path, b"\xef\xbb\xbff(1)\n")
        assert place_of_call(file, "f") == Place("train.py", 1, 1, 1, 5)
        assert file.trouble == ()

    def test_the_coding_line_decides(self, tmp_path: Path) -> None:
        file = read(tmp_path, "# -*- coding: latin-1 -*-\nf('ä')\n".encode("latin-1"))
        assert "ä" in file.text
        assert file.trouble == ()
        assert place_of_call(file, "f").end_column == 7

    def test_wrong_bytes_are_said_with_their_line(self, tmp_path: Path) -> None:
        file = read(tmp_path, b"x = 1\ny = '\xe4'\n")
        assert says(file) == ["train.py:2: bytes are not `utf-8`, read as Latin-1"]
        assert file.tree is not None
        assert "ä" in file.text

    @pytest.mark.parametrize("coding", ["rot13", "no-such-thing", "hex"])
    def test_an_unknown_coding_is_no_reason_to_give_up(self, tmp_path: Path, coding: str) -> None:
        assert read(tmp_path, f"# coding: {coding}\nx = 1\n").tree is not None

    def test_utf_16_is_read_and_said(self, tmp_path: Path) -> None:
        file = read(tmp_path, "f(1)\n".encode("utf-16"))
        assert file.text == "f(1)\n"
        assert "UTF-16" in says(file)[0]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_lines_are_counted_alike_whatever_ends_them(self, tmp_path: Path, end: str) -> None:
        file = read(tmp_path, f"x = 1{end}f(2){end}".encode())
        assert place_of_call(file, "f") == Place("train.py", 2, 1, 2, 5)
        assert file.line_text(2) == "f(2)"

    def test_form_feeds_and_tabs_end_no_line(self, tmp_path: Path) -> None:
        file = read(tmp_path, "\x0cif 1:\n\tf(2)\n\x0c\ng(3)\n")
        assert place_of_call(file, "f") == Place("train.py", 2, 2, 2, 6)
        assert place_of_call(file, "g").line == 4

    def test_null_bytes_are_no_python(self, tmp_path: Path) -> None:
        file = read(tmp_path, b"x = 1\n\0\n")
        assert file.tree is None
        assert says(file) == ["train.py:2: holds null bytes: this is no Python text"]

    def test_a_huge_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MOST_BYTES", 20)
        file = read(tmp_path, "x = 1\n" * 4)
        assert (file.tree, file.text) == (None, "")
        assert says(file) == ["train.py: code of more than 20 bytes was not read: no script is that long"]
        assert read(tmp_path, "x = 1\n" * 3).tree is not None

    def test_a_file_that_is_gone_is_said(self, tmp_path: Path) -> None:
        file = read_source(tmp_path / "gone.py", "gone.py")
        assert says(file) == ["gone.py: cannot be read: No such file or directory"]


class TestSyntax:
    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("x = 1\nf(\n", "train.py:2: syntax error: '(' was never closed"),
            ("print 'loss'\n", "train.py:1: code is Python 2 (`print` without parentheses)"),
            ("try:\n    f()\nexcept ValueError as e, g:\n    pass\n", "train.py:3: syntax error"),
            ("x = `1`\n", "train.py:1: code is Python 2 (backticks)"),
            ("exec 'x = 1'\n", "train.py:1: code is Python 2 (`exec` without parentheses)"),
            ("raise ValueError, 'x'\n", "train.py:1: code is Python 2 (`raise` with a comma)"),
            ("if a <> b: pass\n", "train.py:1: code is Python 2 (`<>`)"),
            ("x = 'print 1' +\n", "train.py:1: syntax error: invalid syntax"),
            ("x = " + "-" * 100_000 + "1\n", "train.py: is nested too deeply to be parsed"),
            ("x = " + "(" * 300 + ")" * 300 + "\n", "train.py:1: syntax error: too many nested parentheses"),
        ],
        ids=lambda text: text[:30],
    )
    def test_why_there_is_no_tree(self, tmp_path: Path, code: str, expected: str) -> None:
        file = read(tmp_path, code)
        assert file.tree is None
        (only,) = says(file)
        assert only.startswith(expected)
        assert not only.endswith(".")

    @pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python 3.14 reads it as two exceptions")
    @pytest.mark.parametrize("what", ["ValueError", "(ValueError, OSError)"])
    def test_a_comma_before_the_name_of_an_exception_is_python_2(self, tmp_path: Path, what: str) -> None:
        (only,) = says(read(tmp_path, f"try:\n    f()\nexcept {what}, e:\n    pass\n"))
        assert only.startswith("train.py:3: code is Python 2 (`except` with a comma)")

    def test_doubtful_escapes_warn_nobody(self, tmp_path: Path) -> None:
        assert read(tmp_path, "x = '\\d' is 1\n").tree is not None

    def test_a_script_that_a_notebook_was_exported_to_is_read_without_its_magic_lines(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 1\n!pip install trl==0.9.6\n%cd /content\nf(2)\n")
        assert place_of_call(file, "f").line == 4
        assert file.shell_lines == (("pip install trl==0.9.6", 2),)
        assert says(file) == ["train.py:2: lines for IPython (`!`, `%`) were left out: Python cannot run this file"]


class TestPlaces:
    def test_columns_count_characters_and_not_bytes(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 'äöü🙂', f('ß')\n")
        assert place_of_call(file, "f") == Place("train.py", 1, 13, 1, 19)

    def test_a_call_over_several_lines(self, tmp_path: Path) -> None:
        file = read(tmp_path, "y = f(\n    1,\n)\n")
        place = place_of_call(file, "f")
        assert place == Place("train.py", 1, 5, 3, 2)
        assert file.snippet(place) == "y = f(\n    1,\n)"

    def test_nodes_without_a_position_have_that_of_what_is_inside(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 1\ny = [a for a in b]\ndef f(first, second=2): ...\n")
        assert file.tree is not None
        comprehension = next(node for node in ast.walk(file.tree) if isinstance(node, ast.comprehension))
        assert file.place(comprehension) == Place("train.py", 2, 12, 2, 18)
        arguments = next(node for node in ast.walk(file.tree) if isinstance(node, ast.arguments))
        assert file.place(arguments) == Place("train.py", 3, 7, 3, 22)
        assert file.place(ast.Load()) == Place("train.py", 1, 1, 1, 6)

    def test_every_place_lies_inside_the_text(self, tmp_path: Path) -> None:
        file = read(tmp_path, 'x = f"""\n{a}\nä{b!r:>{c}}"""\ny = f"ß{d}" f\'{e}\'\n')
        assert file.tree is not None
        for node in ast.walk(file.tree):
            place = file.place(node)
            assert (place.line, place.column) <= (place.end_line, place.end_column)
            assert 1 <= place.end_line <= 4
            assert place.end_column <= len(file.line_text(place.end_line)) + 1

    def test_a_node_that_ends_before_it_begins_is_a_point(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 1\ny = 2\n")
        node = ast.Constant(1, lineno=2, col_offset=4, end_lineno=1, end_col_offset=99)
        assert file.place(node) == Place("train.py", 2, 5, 2, 5)

    def test_there_is_no_line_outside(self, tmp_path: Path) -> None:
        file = read(tmp_path, "x = 1\n")
        assert (file.line_text(0), file.line_text(1), file.line_text(9)) == ("", "x = 1", "")


@settings(max_examples=150)
@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))))
@pytest.mark.parametrize("name", ["a.py", "a.ipynb"])
def test_any_bytes_give_a_file_and_never_an_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes
) -> None:
    file = read(tmp_path_factory.getbasetemp(), data, name)
    assert file.tree is not None or file.trouble
    assert not file.suppressed.covers("LBL001", "slug", 1, 1)
    for node in ast.walk(file.tree) if file.tree is not None else ():
        assert file.place(node).line >= 1


PIECES = [
    "!ls",
    "%time f(1)",
    "%%bash\n",
    "x = !ls\n",
    "'''",
    '"',
    "(",
    ")",
    "\\\n",
    "\n",
    "  ",
    "y = 1",
    "?x",
    "# a",
    "é",
]


@settings(max_examples=200)
@given(code=st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_taking_magic_lines_out_keeps_every_line(code: str) -> None:
    from trainclinic.script.sources.magics import without_magics

    plain = without_magics(code)
    assert plain.text.count("\n") == code.count("\n")
    assert all(1 <= line <= code.count("\n") + 2 for _, line in plain.shell_lines)
