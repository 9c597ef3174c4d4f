"""What the generators write passes the project's own tests as it is."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.test_contracts import ROOT, load_script


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project without its history, to write into."""
    ignore = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "node_modules", ".hypothesis")
    return Path(shutil.copytree(ROOT, tmp_path / "project", ignore=ignore))


def pytest_in(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def command_of(heading: str) -> list[str]:
    """The generator's command that CONTRIBUTING gives below a heading."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"## {heading}")[2]
    line = next(line for line in section.splitlines() if line.startswith("    python scripts/new_"))
    return shlex.split(line.strip())[1:]


@pytest.mark.parametrize(
    ("heading", "tests", "name"),
    [
        ("I want to add a symptom", ["tests/test_cases.py", "tests/contract"], "LOS290"),
        ("I want to add a rule of the linter", ["tests/script/test_cases.py", "tests/script/test_rules.py"], "LOP090"),
        (
            "I want to add a rule on training data",
            ["tests/dataset/test_cases.py", "tests/dataset/test_rules.py"],
            "ANS090",
        ),
        ("I want to add a cause", ["tests/contract/test_causes.py", "tests/laws"], "spilled-coffee"),
        ("I want to add a file format", ["tests/readers", "tests/contract"], "my_logger"),
        ("I want to add a fix", ["tests/contract/test_fixes.py"], "dry-the-keyboard"),
    ],
)
def test_what_contributing_says_works_as_written(copy: Path, heading: str, tests: list[str], name: str) -> None:
    written = subprocess.run([sys.executable, *command_of(heading)], cwd=copy, capture_output=True, check=False)
    assert written.returncode == 0, written.stderr
    done = pytest_in(copy, *tests, "-k", name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("code", "slug", "group"),
    [
        ("LOS205", "loss-sawtooth", "loss"),
        ("LOS299", "loss-spike", "loss"),
        ("los299", "x-y", "loss"),
        ("LOS299", "x-y", "no"),
    ],
)
def test_a_taken_or_malformed_name_is_refused(copy: Path, code: str, slug: str, group: str) -> None:
    with pytest.raises(ValueError, match=r"taken|expected|no group"):
        load_script("new_rule").write_rule(copy, code, slug, group)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("slug", "family"),
    [("double-label-shift", "optimisation"), ("Spilled", "optimisation"), ("spilled-coffee", "kitchen")],
)
def test_a_cause_that_is_taken_or_has_no_family_is_refused(copy: Path, slug: str, family: str) -> None:
    with pytest.raises(ValueError, match=r"taken|expected|no family"):
        load_script("new_cause").write_cause(copy, slug, family, "Coffee")  # type: ignore[attr-defined]
