"""Every Markdown case in tests/dataset/cases is one test: data files, read for real, and one rule's verdict on them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.encoding import tokenizers

from trainclinic.catalogue.verdict import Absent, NotEvaluated, Severity
from trainclinic.corpus.open import open_corpus
from trainclinic.dataset.data import Data
from trainclinic.dataset.examine import all_rules
from trainclinic.dataset.rule import RowRule
from trainclinic.encoding.preparation import Plan, Preparation, Stated
from trainclinic.encoding.tokens.load import load_tokenizer

CASES = Path(__file__).parent / "cases"
SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<body>.*?)(?=^## |\Z)", re.M | re.S)
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```", re.M | re.S)


def collect_cases() -> list[Any]:
    """Sections of all files; headings inside code blocks are no sections, so blocks are hidden while splitting."""
    out = []
    for path in sorted(CASES.glob("*.md")):
        blocks: list[tuple[str, str]] = []

        def hide(found: re.Match[str], blocks: list[tuple[str, str]] = blocks) -> str:
            blocks.append((found["info"].strip(), found["text"]))
            return f"\0{len(blocks) - 1}\0"

        hidden = BLOCK.sub(hide, path.read_text(encoding="utf-8"))
        for section in SECTION.finditer(hidden):
            mine = [blocks[int(number)] for number in re.findall(r"\0(\d+)\0", section["body"])]
            code = path.stem.split("-")[0]
            out.append(pytest.param(code, section["title"], mine, id=f"{path.stem}::{section['title']}"))
    return out


def data_of(folder: Path, options: dict[str, Any], code: str, tokenizer_folder: Path) -> Data:
    """The data set of a case: `tokenizer` names a builder, `preparation` and `plan` state settings."""
    tokenizer = None
    if name := options.pop("tokenizer", None):
        getattr(tokenizers, name)(tokenizer_folder)
        tokenizer = load_tokenizer(tokenizer_folder)
    rule = all_rules()[code].rule
    made = Data(
        open_corpus([folder]),
        tokenizer,
        Preparation(**{key: Stated(value, "the case") for key, value in options.pop("preparation", {}).items()}),
        Plan(**{key: Stated(value, "the case") for key, value in options.pop("plan", {}).items()}),
        questions={code: rule.find} if isinstance(rule, RowRule) else {},
        model=options.pop("model", ""),
    )
    assert not options, f"unknown options: {options}"
    return made


def verdict_lines(data: Data, code: str) -> list[str]:
    rule = all_rules()[code].rule
    verdict = rule.check(data)
    if isinstance(verdict, NotEvaluated):
        return [f"not evaluated: {verdict.missing}"]
    if isinstance(verdict, Absent):
        return ["absent", *(one.says for one in verdict.evidence)]
    severity = rule.severity if verdict.severity is None else verdict.severity
    lines = [f"{one.source}: {one.says}" if one.source else one.says for one in verdict.evidence]
    return [f"present {Severity(severity).name.lower()}", *lines]


@pytest.mark.parametrize(("code", "title", "blocks"), collect_cases())
def test_case(code: str, title: str, blocks: list[tuple[str, str]], tmp_path: Path) -> None:
    expected: list[str] | None = None
    options: dict[str, Any] = {}
    folder = tmp_path / "data"
    for info, text in blocks:
        kind, _, name = info.partition(" ")
        if kind == "expect":
            expected = text.strip().splitlines()
        elif kind == "options":
            options = yaml.safe_load(text)
        elif kind == "make":
            # rows too many to write down: Python that yields them, written as JSON lines
            from tests.dataset.making import write_rows

            write_rows(text, folder / name)
        else:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    assert expected, "a case needs an ```expect block"
    data = data_of(folder, options, code, tmp_path / "tokenizer")
    lines = verdict_lines(data, code)
    kind = title.partition(":")[0]
    assert kind in {"present", "absent", "not evaluated"}
    assert lines[0].startswith(kind), lines
    for seen, wanted in zip(lines, expected, strict=False):
        assert seen == wanted or (wanted.endswith("...") and seen.startswith(wanted[:-3])), lines
    assert len(lines) >= len(expected), lines
