"""Every Markdown case in tests/cases is one test: the files of a run, read for real, and the verdict of one rule.

Where the files make several runs, the first one is judged and the others are its companions.
"""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Verdict
from trainclinic.findings.examine import all_rules
from trainclinic.readers.collect import collect
from trainclinic.signals.measured import Measured

CASES = Path(__file__).parent / "cases"
SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<body>.*?)(?=^## |\Z)", re.M | re.S)
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```", re.M | re.S)


def say(verdict: Verdict) -> str:
    match verdict:
        case Present(evidence=evidence):
            return "\n".join(f"present at step {e.step}: {e.says}" for e in evidence)
        case Absent():
            return "absent"
        case NotEvaluated(missing=missing):
            return f"not evaluated: {missing}"


def make_csv(recipe: str, path: Path) -> None:
    """Write a CSV from `column = numpy expression` lines; later lines see earlier columns, `np`, `rng` (seed 0)."""
    names: dict[str, Any] = {"np": np, "rng": np.random.default_rng(0), "nan": math.nan}
    columns: dict[str, Any] = {}
    for line in filter(None, map(str.strip, recipe.splitlines())):
        name, expression = re.fullmatch(r"(\w+)\s*=\s*(.+)", line).groups()  # type: ignore[union-attr]
        names[name] = eval(expression, names)
        columns[name] = names[name]
    shown = {k: np.broadcast_to(v, np.shape(columns["step"])) for k, v in columns.items() if not k.startswith("_")}
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(shown)
        writer.writerows(zip(*(column.tolist() for column in shown.values()), strict=True))


def collect_cases() -> list[Any]:
    out = []
    for path in sorted(CASES.glob("*.md")):
        code = path.stem.split("-")[0]
        for section in SECTION.finditer(path.read_text(encoding="utf-8")):
            blocks = [(b["info"], b["text"]) for b in BLOCK.finditer(section["body"])]
            out.append(pytest.param(code, section["title"], blocks, id=f"{path.stem}::{section['title']}"))
    return out


@pytest.mark.parametrize(("code", "title", "blocks"), collect_cases())
def test_case(code: str, title: str, blocks: list[tuple[str, str]], tmp_path: Path) -> None:
    expected = None
    options: dict[str, Any] = {}
    for info, text in blocks:
        kind, _, name = info.partition(" ")
        if kind == "expect":
            expected = text.strip()
        elif kind == "options":
            options = {k.strip(): float(v) for k, v in (line.split("=") for line in text.strip().splitlines())}
        elif kind == "make":
            make_csv(text, tmp_path / name)
        else:
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    assert expected is not None, "a case needs an ```expect block"
    expected, _, severity = expected.partition("\nseverity: ")
    assert expected.partition(":")[0].partition(" at ")[0] == title.partition(":")[0], (
        "the title begins with the verdict"
    )
    record, *companions = collect(tmp_path).records
    rule = all_rules()[code].rule
    verdict = rule.check(Measured(record, companions=tuple(companions), **options))
    said = say(verdict)
    assert said == expected or (expected.endswith("...") and said.startswith(expected[:-3]))
    if isinstance(verdict, Present):
        usual = rule.severity
        weighed = usual if verdict.severity is None else verdict.severity
        assert weighed.name.lower() == (severity or usual.name.lower())
