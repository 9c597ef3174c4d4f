"""The house keeps its own style: sizes, names, docstrings of rooms, no large files."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "trainclinic"
SOURCES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "core", "base", "manager"}
ROOMS = {
    "record", "catalogue", "recipe", "readers", "signals", "corpus", "encoding", "knowledge", "training", "retrieval", "findings", "script",
    "dataset", "probes", "validation", "causes", "guard", "fixes", "report", "experiments", "diagnosis", "cli",
}  # fmt: skip


def is_rule(path: Path) -> bool:
    return path.parent.parent.name in {"findings", "probes"} or path.parent.parent.name == "rules"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_file_is_short_enough_to_read(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    limit = 200 if is_rule(path) else 400
    assert lines <= limit, f"{lines} lines, at most {limit}: split by idea"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_functions_are_short_enough_to_read(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"`{node.name}` has {length} lines, at most 60"


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert {path.stem for path in SOURCES} & FORBIDDEN_NAMES == set()


def test_the_rooms_are_the_planned_ones() -> None:
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert found == ROOMS


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_each_room_says_what_it_knows_and_what_not(room: str) -> None:
    doc = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "\n\n" in doc
    assert any(word in doc for word in (" not ", " no ", " never ", " neither ", " nothing "))


def test_no_file_in_the_repository_is_large() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    large = [name for name in names if (ROOT / name).is_file() and (ROOT / name).stat().st_size > 1_000_000]
    assert large == []
