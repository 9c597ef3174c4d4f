"""Versions that a project pins, and which file is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.record.source import Source
from trainclinic.script.sources.versions import INSTALLED, MENTIONED, installed_pins, rank_of, read_pins, versions_of


def pinned(folder: Path, name: str, text: str) -> dict[str, str]:
    (folder / name).write_text(text, encoding="utf-8")
    return {library: version for library, (version, _) in versions_of(read_pins(folder / name, name)).items()}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("transformers==4.40.0", "4.40.0"),
        ("transformers[torch] == 4.40.0 ; python_version > '3.8'", "4.40.0"),
        ("Transformers===4.40.0rc1  # why", "4.40.0rc1"),
        ("transformers==4.40.0+cu121", "4.40.0+cu121"),
        ("transformers>=4.40.0", None),
        ("transformers~=4.40.0", None),
        ("transformers>=4.40,<5", None),
        ("transformers==4.40.*", None),
        ("transformers!=4.40.0", None),
        ("transformers", None),
        ("# transformers==4.40.0", None),
        ("sentence-transformers==4.40.0", None),
        ("transformers-stream==4.40.0", None),
    ],
)
def test_only_an_exact_pin_is_a_version(tmp_path: Path, line: str, expected: str | None) -> None:
    assert pinned(tmp_path, "requirements.txt", f"numpy==1.26\n{line}\n").get("transformers") == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements-train.txt", "trl==0.9.6\n"),
        ("constraints.txt", "trl==0.9.6\n"),
        ("pip_freeze.txt", "numpy==1.26\ntrl==0.9.6\n"),
        ("pip-list.txt", "Package Version\n------- -----\ntrl     0.9.6\n"),
        ("environment.yml", "dependencies:\n  - conda-forge::trl=0.9.6=py310\n".replace("=py310", "")),
        ("environment.yaml", "dependencies:\n  - pip:\n    - trl==0.9.6\n"),
        ("pyproject.toml", '[project]\ndependencies = [\n  "trl[vllm]==0.9.6",\n]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\ntrl = "0.9.6"\n'),
        ("uv.lock", '[[package]]\nname = "trl"\nversion = "0.9.6"\n'),
        ("poetry.lock", '[[package]]\nname = "trl"\nversion = "0.9.6"\n'),
    ],
)
def test_each_kind_of_file_is_read(tmp_path: Path, name: str, text: str) -> None:
    assert pinned(tmp_path, name, text) == {"trl": "0.9.6"}


def test_a_minimum_of_poetry_is_no_version(tmp_path: Path) -> None:
    assert pinned(tmp_path, "pyproject.toml", 'trl = "^0.9.6"\n') == {}


def test_pytorch_is_torch(tmp_path: Path) -> None:
    assert pinned(tmp_path, "environment.yml", "  - pytorch=2.3.0\n") == {"torch": "2.3.0"}


@pytest.mark.parametrize("name", ["notes.txt", "train.py", "package.lock", "requirements.md"])
def test_other_files_name_no_versions(tmp_path: Path, name: str) -> None:
    assert rank_of(tmp_path / name) is None
    (tmp_path / name).write_text("trl==0.9.6\n")
    assert read_pins(tmp_path / name, name) == []


def test_the_place_of_a_pin_is_told(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "trl"\nversion = "0.9.6"\n')
    assert versions_of(read_pins(tmp_path / "uv.lock", "uv.lock"))["trl"] == ("0.9.6", Source("uv.lock", 3))


def test_of_two_files_the_more_exact_kind_is_believed_and_then_the_one_nearer_to_the_top(tmp_path: Path) -> None:
    pins = []
    for name, version in (
        ("a/requirements.txt", "3"),
        ("requirements.txt", "2"),
        ("z/poetry.lock", "1"),
        ("pyproject.toml", "4"),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'name = "trl"\nversion = "{version}"\n' if "lock" in name else f"trl=={version}\n")
        pins += read_pins(path, name)
    order = [pin.version for pin in sorted(pins)]
    assert order == ["1", "2", "3", "4"]
    assert versions_of(reversed(pins))["trl"] == ("1", Source("z/poetry.lock", 2))


def test_what_is_installed_counts_more_than_any_file_and_a_mention_less() -> None:
    lines = [
        (Source("run.ipynb[cell 1]", 2), "pip install -q trl==0.9.6 'peft==0.11.1' torch"),
        (Source("a.py", 1), "x = 'trl==1'"),
    ]
    installed = installed_pins(INSTALLED, lines)
    assert {pin.library: pin.version for pin in installed} == {"trl": "0.9.6", "peft": "0.11.1"}
    mentioned = installed_pins(MENTIONED, [(Source("a.py", 1), "# pip install trl==0.8.0")])
    assert versions_of([*mentioned, *installed])["trl"] == ("0.9.6", Source("run.ipynb[cell 1]", 2))
