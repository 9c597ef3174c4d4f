"""Every `tests/readers/<reader>/<case>/` is one test: input files, and what the reader must get out of them.

`expected.json` lists what is compared; a part that it leaves out (`versions`, say) is not looked at, but a part that it
names must be complete: every column, every event, every counted damage. `{"file": {"fragments": [...], "damage": ...}}`
holds one entry per input file (the one entry may stand alone when there is a single input); `{"refused": "words"}`
expects a `ReadError` whose message has these words. Print what a reader sees now:

    python tests/readers/test_readers.py console_log tests/readers/console_log/<case>
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from trainclinic.readers.file import LogFile
from trainclinic.readers.fragment import Column, Fragment
from trainclinic.readers.reader import all_readers
from trainclinic.record.errors import ReadError

HERE = Path(__file__).parent


def column_view(column: Column) -> dict[str, Any]:
    """First and last row with their lines, and everything that is one value per column."""
    rows = list(zip(map(int, column.step), map(float, column.value), map(int, column.line), strict=True))
    printed = column.printed.kind + (f" {column.printed.digits}" if column.printed.digits else "")
    return {"n": len(rows), "first": rows[0], "last": rows[-1], "unit": column.unit, "printed": printed}


def fragment_view(fragment: Fragment) -> dict[str, Any]:
    def facts_view(facts: list[Any]) -> list[Any]:
        return [[fact.name, fact.value, fact.source.line, fact.how] for fact in facts]

    return {
        "label": fragment.label,
        "axis": fragment.axis,
        "columns": {name: column_view(column) for name, column in fragment.columns.items()},
        "steps": {name: list(map(int, column.step)) for name, column in fragment.columns.items()},
        "values": {name: list(map(float, column.value)) for name, column in fragment.columns.items()},
        "facts": facts_view(fragment.facts),
        "other_facts": facts_view(fragment.other_facts),
        "versions": facts_view(fragment.versions),
        "events": [[e.kind, e.step, e.source.line, e.value, e.count] for e in fragment.events],
        "says": [e.says for e in fragment.events],
        "checkpoints": [[c.step, c.path, c.source.line, c.exists] for c in fragment.checkpoints],
        "results": [[dict(r.settings), dict(r.values), r.source.line] for r in fragment.results],
        "generations": [[g.label, g.prompt, g.output, g.reference, g.source.line] for g in fragment.generations],
    }


def view(reader_name: str, path: Path) -> dict[str, Any]:
    """What the named reader sees in a file, as plain JSON values."""
    (reader,) = [reader for reader in all_readers() if reader.name == reader_name]
    file = LogFile(path)
    try:
        fragments = reader.read(file)
    except ReadError as error:
        return {"refused": str(error)}
    damage = [[damage.says, damage.source.line, damage.count] for damage in file.damage]
    return {"fragments": [fragment_view(fragment) for fragment in fragments], "damage": damage}


def plain(value: Any) -> Any:
    """Through JSON and back, with NaN as a word so that it equals itself."""
    return json.loads(json.dumps(value), parse_constant=str)


def compare(seen: Any, expected: Any, place: str) -> None:
    """Assert that every part that `expected` names is there and equal."""
    assert isinstance(seen, dict)
    for key, wanted in expected.items():
        if key == "fragments":
            assert len(seen[key]) == len(wanted), f"{place}: number of fragments"
            for number, (one, two) in enumerate(zip(seen[key], wanted, strict=True)):
                compare(one, two, f"{place}[{number}]")
        elif key == "refused":
            assert wanted in seen.get(key, "nothing refused"), place
        elif key in {"steps", "values"}:
            assert {name: seen[key].get(name) for name in wanted} == wanted, f"{place}: {key}"
        else:
            assert seen.get(key) == wanted, f"{place}: {key}"


def input_files(case: Path) -> list[Path]:
    return sorted(path for path in case.rglob("*") if path.is_file() and path.name != "expected.json")


def collect_cases() -> list[Any]:
    cases = sorted(path.parent for path in HERE.glob("*/**/expected.json"))
    return [pytest.param(case.relative_to(HERE).parts[0], case, id=str(case.relative_to(HERE))) for case in cases]


@pytest.mark.parametrize(("reader", "case"), collect_cases())
def test_reader(reader: str, case: Path) -> None:
    expected = plain(json.loads((case / "expected.json").read_text(encoding="utf-8")))
    files = input_files(case)
    assert files, "a case needs an input file"
    if len(files) == 1 and files[0].name not in expected:
        expected = {files[0].name: expected}
    assert {str(file.relative_to(case)) for file in files} == set(expected), "one entry per input file"
    for file in files:
        name = str(file.relative_to(case))
        compare(plain(view(reader, file)), expected[name], name)


if __name__ == "__main__":
    for argument in sys.argv[2:]:
        for input_file in input_files(Path(argument)) if Path(argument).is_dir() else [Path(argument)]:
            print(json.dumps({input_file.name: view(sys.argv[1], input_file)}, indent=1, ensure_ascii=False))
