"""Every Markdown case in tests/script/cases is one test: the files of a project, read for real, and one rule's alarms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present
from trainclinic.script.alarm import Certainty
from trainclinic.script.examine import all_rules
from trainclinic.script.program.program import build_program
from trainclinic.script.rule import ScriptRule, said
from trainclinic.script.sources.project import read_project

CASES = Path(__file__).parent / "cases"
SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<body>.*?)(?=^## |\Z)", re.M | re.S)
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```", re.M | re.S)


def collect_cases() -> list[Any]:
    out = []
    for path in sorted(CASES.glob("*.md")):
        # Headings inside code blocks are no sections: hide the blocks while splitting.
        text = path.read_text(encoding="utf-8")
        blocks: list[tuple[str, str]] = []

        def hide(found: re.Match[str], blocks: list[tuple[str, str]] = blocks) -> str:
            blocks.append((found["info"].strip(), found["text"]))
            return f"\0{len(blocks) - 1}\0"

        hidden = BLOCK.sub(hide, text)
        for section in SECTION.finditer(hidden):
            mine = [blocks[int(number)] for number in re.findall(r"\0(\d+)\0", section["body"])]
            code = path.stem.split("-")[0]
            out.append(pytest.param(code, section["title"], mine, id=f"{path.stem}::{section['title']}"))
    return out


def alarm_lines(rule: ScriptRule, program: Any) -> list[str]:
    alarms = sorted(rule.find(program), key=lambda alarm: (alarm.place, -alarm.certainty))
    return list(
        dict.fromkeys(f"{a.certainty.name.lower()} {a.place.source.path}:{a.place.line}: {said(a)}" for a in alarms)
    )


@pytest.mark.parametrize(("code", "title", "blocks"), collect_cases())
def test_case(code: str, title: str, blocks: list[tuple[str, str]], tmp_path: Path) -> None:
    expected: list[str] | None = None
    for info, text in blocks:
        kind, _, name = info.partition(" ")
        if kind == "expect":
            expected = text.strip().splitlines()
        else:
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    assert expected, "a case needs an ```expect block"
    rule = all_rules()[code].rule
    assert isinstance(rule, ScriptRule)
    program = build_program(read_project([tmp_path]))
    verdict, lines = rule.check(program), alarm_lines(rule, program)
    if isinstance(verdict, NotEvaluated):
        said_lines = [*lines, f"not evaluated: {verdict.missing}"]
    elif isinstance(verdict, Absent):
        said_lines = [*lines, "absent"]
    else:
        assert isinstance(verdict, Present)
        said_lines = lines
    if all(line.startswith("hint ") for line in expected) and lines:
        said_lines = lines
    assert len(said_lines) == len(expected), said_lines
    for seen, wanted in zip(said_lines, expected, strict=True):
        assert seen == wanted or (wanted.endswith("...") and seen.startswith(wanted[:-3])), said_lines
    kind = title.partition(":")[0]
    assert kind in {"present", "absent", "not evaluated"}
    certain = any(a.certainty > Certainty.HINT for a in rule.find(program))
    if kind == "present":
        assert lines
    else:
        assert not certain
