"""One suite that every rule of the linter must pass: its page, its example, its cases."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainclinic.catalogue.page import HEADINGS
from trainclinic.script.alarm import Certainty
from trainclinic.script.examine import all_rules
from trainclinic.script.program.program import Program, build_program
from trainclinic.script.rule import ScriptRule
from trainclinic.script.sources.project import read_project

RULES = all_rules()
CASES = Path(__file__).parent / "cases"
EMPTY = "import torch\n"


def example_of(code: str, which: str) -> dict[str, str]:
    """Files of the bad or good example of a page."""
    body = RULES[code].page.sections["Example"]
    bad, _, good = body.partition("\nGood:")
    text = bad.partition("Bad:")[2] if which == "bad" else good
    files: dict[str, list[str]] = {}
    name = "train.py"
    for line in textwrap.dedent(text.lstrip("\n")).splitlines():
        found = re.fullmatch(r"# file: (\S+)", line.strip())
        if found:
            name = found[1]
            continue
        files.setdefault(name, []).append(line)
    return {name: "\n".join(lines).strip() + "\n" for name, lines in files.items() if any(map(str.strip, lines))}


def program_of(files: dict[str, str], folder: Path) -> Program:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return build_program(read_project([folder]))


def rule_of(code: str) -> ScriptRule:
    rule = RULES[code].rule
    assert isinstance(rule, ScriptRule)
    return rule


def certain_alarms(program: Program) -> Iterator[str]:
    for code in RULES:
        for alarm in rule_of(code).find(program):
            if alarm.certainty > Certainty.HINT:
                yield f"{code} {alarm.place}: {alarm.says}"


def test_there_are_at_least_sixty_rules() -> None:
    assert len(RULES) >= 60


@pytest.mark.parametrize("code", RULES)
def test_the_page_has_every_heading_with_text(code: str) -> None:
    page = RULES[code].page
    assert tuple(page.sections) == HEADINGS
    assert all(page.sections.values())
    assert page.title.endswith(".")
    assert re.search(r"https?://\S+", page.sections["References"])


@pytest.mark.parametrize("code", RULES)
def test_the_bad_example_of_the_page_is_alarming(code: str, tmp_path: Path) -> None:
    rule = rule_of(code)
    alarms = list(rule.find(program_of(example_of(code, "bad"), tmp_path)))
    assert alarms
    assert max(alarm.certainty for alarm in alarms) <= rule.certainty
    if rule.certainty > Certainty.HINT:
        assert max(alarm.certainty for alarm in alarms) > Certainty.HINT


@pytest.mark.parametrize("code", RULES)
def test_no_rule_objects_to_the_good_example_of_the_page(code: str, tmp_path: Path) -> None:
    program = program_of(example_of(code, "good"), tmp_path)
    assert list(rule_of(code).find(program)) == []
    assert list(certain_alarms(program)) == []


@pytest.mark.parametrize("code", RULES)
def test_the_examples_are_python_that_compiles(code: str) -> None:
    for which in ("bad", "good"):
        files = example_of(code, which)
        assert files
        for name, text in files.items():
            if name.endswith(".py"):
                compile(text, name, "exec")


@pytest.mark.parametrize("code", RULES)
def test_there_is_a_case_of_each_kind(code: str) -> None:
    text = (CASES / f"{code}-{RULES[code].rule.slug}.md").read_text(encoding="utf-8")
    for kind in ("present", "absent", "not evaluated"):
        assert f"\n## {kind}:" in text


@pytest.mark.parametrize("code", RULES)
def test_alarms_speak_in_one_sentence_with_a_way_that_ends_where_they_are(code: str, tmp_path: Path) -> None:
    for alarm in rule_of(code).find(program_of(example_of(code, "bad"), tmp_path)):
        assert alarm.says
        assert not alarm.says.endswith(".")
        assert "\n" not in alarm.says
        assert "object at 0x" not in alarm.says + alarm.when
        assert alarm.says.count("`") % 2 == 0
        assert not alarm.flow or alarm.flow[-1].place.path == alarm.place.path
        for edit in alarm.mending.edits if alarm.mending is not None else ():
            assert edit.place.path == alarm.place.path or edit.kind


@pytest.mark.parametrize("code", RULES)
def test_a_rule_that_claims_a_fix_offers_edits(code: str, tmp_path: Path) -> None:
    rule = rule_of(code)
    alarms = list(rule.find(program_of(example_of(code, "bad"), tmp_path)))
    offered = {a.mending.safety for a in alarms if a.mending is not None and a.mending.edits}
    assert (rule.fix is not None) == bool(offered)
    if rule.fix is not None:
        assert rule.fix in offered


def test_a_file_without_training_gets_no_alarm_and_no_false_all_clear(tmp_path: Path) -> None:
    program = program_of({"train.py": EMPTY}, tmp_path)
    assert list(certain_alarms(program)) == []
