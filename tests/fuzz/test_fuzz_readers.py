"""The fuzz target itself works: a second of blind mutations on the fixed seed finds nothing and can find something."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def target() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_readers", Path(__file__).with_name("fuzz_readers.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_few_seconds_of_mutations_crash_no_reader(
    target: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert target.run_blindly(3.0, seed=7) == 0


def test_a_broken_reader_would_be_found(target: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainclinic.readers.formats import hf_trainer_state

    def broken(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr(hf_trainer_state, "_add_state", broken)
    monkeypatch.chdir(tmp_path)
    assert target.run_blindly(1.0, seed=7) > 0
    assert list(tmp_path.glob("crash-*"))
