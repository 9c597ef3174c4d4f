"""What users install is the wheel, not this folder: everything that the package needs at run time is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
@pytest.mark.parametrize("form", ["terminal", "md", "html", "json"])
def test_the_command_works_from_the_wheel_alone(wheel: Path, form: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = "import trainclinic; print(trainclinic.__file__); from trainclinic.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "diagnose", str(ROOT / "examples" / "report-b"), "--format", form],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    first, _, report = done.stdout.partition("\n")
    assert first.startswith(str(tmp_path))
    assert "9.227" in report


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_licence_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"trainclinic"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "trainclinic/py.typed" in names
