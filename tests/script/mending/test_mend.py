"""Mending from alarms to files: what is kept, what is taken back, and which files stay as they are.

The rules are stand-ins that dislike calls by their name, so that these tests are about mending alone.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.lint.fixed_reports import entry

from trainclinic.diagnosis.lint import Lint, lint
from trainclinic.diagnosis.mend import Mended, mend
from trainclinic.record.errors import TrainclinicError
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.preferences import Preferences


def disliked(name: str, *edits: tuple[str, str], safety: Any = "safe", certainty: Certainty = Certainty.PROOF) -> Any:
    """A rule that finds calls of a name, and proposes edits of them: a kind and its code, or name and value."""

    def edit(place: Any, kind: Any, code: str) -> Edit:
        if kind in {"set_argument", "remove_argument"}:
            keyword, _, value = code.partition("=")
            return Edit(kind, place, name=keyword, code=value)
        return Edit(kind, place, code=code)

    def find(program: Any) -> Iterator[Alarm]:
        for file in program.project.files:
            for node in ast.walk(file.tree) if file.tree is not None else ():
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                    place = file.place(node)
                    made = tuple(edit(place, kind, code) for kind, code in edits)
                    yield Alarm(place, f"`{name}` is called", certainty, mending=Mending(f"not `{name}`", safety, made))

    return find


RULES = {
    "LBL001": entry("LBL001", "ruin", find=disliked("ruin", ("replace", "build()"))),
    "LBL002": entry("LBL002", "risk", find=disliked("risk", ("replace", "build()"), safety="unsafe")),
    "LBL003": entry("LBL003", "swap", find=disliked("swap", ("replace", "ruin()"))),
    "LBL004": entry("LBL004", "stay", find=disliked("stay", ("set_argument", "k=1"))),
    "LBL005": entry("LBL005", "hint", find=disliked("hint", ("replace", "x"), certainty=Certainty.HINT)),
    "LBL006": entry("LBL006", "twin", find=disliked("twin", ("wrap", "[{}]"), ("remove_argument", "k"))),
    "LBL007": entry("LBL007", "outer", find=disliked("outer", ("replace", "[ruin()]"))),
    "LBL008": entry("LBL008", "person", find=disliked("person")),
    "LBL009": entry("LBL009", "same", find=disliked("ruin", ("replace", "build()"))),
}


@pytest.fixture(autouse=True)
def in_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def look(*paths: str, **preferences: Any) -> Lint:
    return lint(paths, Preferences(**preferences), rules=RULES)


def write(name: str, text: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def mended(text: str, *, unsafe: bool = False, **preferences: Any) -> tuple[str, Mended]:
    """The text of a script after mending, and what was said about it."""
    file = write("train.py", text)
    result = mend(look("train.py", **preferences), unsafe=unsafe, write=True)
    return file.read_bytes().decode(), result


def test_what_was_mended_is_told_and_shown() -> None:
    text, result = mended("# a\r\nx = ruin(1)  # b\r\n")
    assert text == "# a\r\nx = build()  # b\r\n"
    assert [str(one) for one in result.applied] == [
        "train.py:2:5 `LBL001`: not `ruin`",
        "train.py:2:5 `LBL009`: not `ruin`",
    ]
    assert (result.left, result.files) == ((), ("train.py",))
    assert result.diff == (
        "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n # a\r\n-x = ruin(1)  # b\r\n+x = build()  # b\r\n"
    )


def test_a_difference_alone_writes_nothing() -> None:
    file = write("src/train.py", "ruin()")
    result = mend(look("src"), unsafe=False, write=False)
    assert file.read_text() == "ruin()"
    assert result.diff == (
        "--- a/src/train.py\n+++ b/src/train.py\n@@ -1 +1 @@\n"
        "-ruin()\n\\ No newline at end of file\n+build()\n\\ No newline at end of file\n"
    )


def test_unsafe_changes_are_made_only_when_asked_for() -> None:
    assert mended("risk()\nruin()\n")[0] == "risk()\nbuild()\n"
    assert mended("risk()\nruin()\n", unsafe=True)[0] == "build()\nbuild()\n"


def test_hints_and_what_only_a_person_can_mend_stay() -> None:
    text, result = mended("hint()\nperson()\n", unsafe=True, certainty=Certainty.HINT)
    assert text == "hint()\nperson()\n"
    assert result == Mended("", (), (), ())


def test_silenced_alarms_stay() -> None:
    text = "ruin()  # trainclinic: ignore\nruin()\n"
    assert mended(text)[0] == "ruin()  # trainclinic: ignore\nbuild()\n"


def test_a_fix_that_brings_a_new_alarm_is_taken_back() -> None:
    text, result = mended("swap()\nx = [ruin()]\n")
    assert text == "swap()\nx = [build()]\n"
    (left,) = result.left
    assert str(left) == "train.py:1:1 `LBL003`: it would bring a new alarm, `LBL001`: `ruin` is called"


def test_a_fix_whose_alarm_stays_is_taken_back() -> None:
    text, result = mended("stay()\nruin()\nstay(2)\n")
    assert text == "stay()\nbuild()\nstay(2)\n"
    assert [one.reason for one in result.left] == ["the alarm would stay"] * 2
    assert "k=1" not in result.diff


def test_an_edit_that_cannot_be_made_leaves_the_whole_mending() -> None:
    text, result = mended("twin()\n")
    assert text == "twin()\n"
    assert [one.reason for one in result.left] == ["the call has no argument `k`"]


def test_code_inside_changed_code_is_mended_in_the_next_round() -> None:
    text, result = mended("outer(ruin())\n")
    assert text == "[build()]\n"
    assert [one.code for one in result.applied] == ["LBL007", "LBL001", "LBL009"]
    assert not result.left


def test_mending_what_is_mended_changes_nothing() -> None:
    text, _ = mended("if a: ruin(); swap()\nx = f(ruin(\n    1,\n), k=ruin())\n")
    again, result = mended(text)
    assert again == text
    assert (result.diff, result.applied, result.files) == ("", (), ())


def test_files_that_were_not_pointed_at_stay() -> None:
    write("train.py", "import data\nruin()\n")
    other = write("data.py", "ruin()\n")
    result = mend(look("train.py"), unsafe=False, write=True)
    assert other.read_text() == "ruin()\n"
    assert result.files == ("train.py",)
    assert {one.reason for one in result.left} == {"`data.py` is not among the scripts that were to be looked at"}


def test_read_only_files_stay() -> None:
    file = write("train.py", "ruin()\n")
    file.chmod(0o444)
    result = mend(look("train.py"), unsafe=False, write=True)
    assert file.read_text() == "ruin()\n"
    assert {one.reason for one in result.left} == {"`train.py` is read-only"}


def test_files_that_changed_since_they_were_looked_at_stay() -> None:
    file = write("train.py", "ruin()\n")
    found = look("train.py")
    write("train.py", "x = 1; ruin()\n")
    result = mend(found, unsafe=False, write=True)
    assert file.read_text() == "x = 1; ruin()\n"
    assert {one.reason for one in result.left} == {"`train.py` was changed since it was looked at"}


def test_a_file_that_changes_meanwhile_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainclinic.diagnosis import mend as room

    def saved(*_: Any) -> str:
        write("train.py", "edited()\n")
        return real(*_)

    real = room._objection
    monkeypatch.setattr(room, "_objection", saved)
    write("train.py", "ruin()\n")
    with pytest.raises(TrainclinicError, match="changed while it was being mended"):
        mend(look("train.py"), unsafe=False, write=True)
    assert Path("train.py").read_text() == "edited()\n"


def test_notebooks_are_mended_cell_by_cell() -> None:
    def notebook(*sources: list[str]) -> str:
        cells = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": [1e-05]} for source in sources]
        return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}, indent=1) + "\n"

    file = write("run.ipynb", notebook(["!pip install x\n", "ruin()"], ["a()"], ["y = 'ö'\n", "x = ruin()\n"]))
    result = mend(look("run.ipynb"), unsafe=False, write=True)
    assert file.read_text() == notebook(["!pip install x\n", "build()"], ["a()"], ["y = 'ö'\n", "x = build()\n"])
    assert [one.place.cell for one in result.applied if one.code == "LBL001"] == [1, 3]


def test_several_files_are_mended_together() -> None:
    files = [write(f"src/{name}.py", f"{name} = ruin()\n") for name in "abc"]
    result = mend(look("src"), unsafe=False, write=True)
    assert [file.read_text() for file in files] == ["a = build()\n", "b = build()\n", "c = build()\n"]
    assert result.files == ("src/a.py", "src/b.py", "src/c.py")
    assert result.diff.count("--- a/src/") == 3
