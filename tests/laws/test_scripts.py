"""The linter finishes on any code, says the same twice, and finds no training mistakes where nothing is trained."""

from __future__ import annotations

import os
import random
import sysconfig
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.script.test_rules import RULES, example_of

from trainclinic.script.alarm import Certainty
from trainclinic.script.examine import alarms_of, verdicts_of
from trainclinic.script.program.program import build_program
from trainclinic.script.sources.project import read_project

LIBRARY = Path(sysconfig.get_path("stdlib"))
PACKAGES = (
    "asyncio",
    "email",
    "json",
    "logging",
    "multiprocessing",
    "unittest",
    "xml",
    "http",
    "concurrent",
    "importlib",
)
EXAMPLES = ["\n".join(example_of(code, "bad").values()) for code in RULES]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_rule_breaks_off_on_code_that_trains_nothing_nor_finds_a_training_mistake_in_it(package: str) -> None:
    program = build_program(read_project([LIBRARY / package]))
    assert len(program.events) > 500
    certain = [found for found in alarms_of(program, strict=True) if found.alarm.certainty > Certainty.HINT]
    assert [str(found.alarm.place) for found in certain if found.entry.group != "security"] == []


@given(st.integers(0, 2**32), st.sampled_from(EXAMPLES))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_rule_breaks_off_on_scripts_with_lines_taken_out(
    tmp_path_factory: pytest.TempPathFactory, seed: int, text: str
) -> None:
    source = random.Random(seed)
    lines = [line for line in text.splitlines() if source.random() > 0.15]
    folder = tmp_path_factory.mktemp("code")
    (folder / "train.py").write_text("\n".join(lines), encoding="utf-8")
    program = build_program(read_project([folder]))
    verdicts_of(program, strict=True)


@pytest.mark.parametrize("code", [code for n, code in enumerate(RULES) if n % 8 == 0])
def test_looking_twice_and_from_another_folder_finds_the_same(code: str, tmp_path: Path) -> None:
    for name, text in example_of(code, "bad").items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def found() -> list[tuple[str, str, int, str]]:
        alarms = alarms_of(build_program(read_project([tmp_path])), strict=True)
        return [(f.entry.rule.code, Path(f.alarm.place.path).name, f.alarm.place.line, f.alarm.says) for f in alarms]

    here = found()
    assert here
    before = Path.cwd()
    try:
        os.chdir(tmp_path)
        assert found() == here
    finally:
        os.chdir(before)
