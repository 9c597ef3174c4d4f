"""What the generators write passes the project's own tests as it is."""

from __future__ import annotations

import os
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


def test_a_new_rule_passes_the_tests(copy: Path) -> None:
    load_script("new_rule").write_rule(copy, "LOS298", "loss-sawtooth", "loss")  # type: ignore[attr-defined]
    done = pytest_in(copy, "tests/test_cases.py", "tests/contract", "-k", "LOS298")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no tests ran" not in done.stdout


def test_a_new_reader_passes_the_tests(copy: Path) -> None:
    load_script("new_reader").write_reader(copy, "my_logger", "MyLogger text")  # type: ignore[attr-defined]
    done = pytest_in(copy, "tests/readers", "tests/contract", "-k", "my_logger")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no tests ran" not in done.stdout


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
