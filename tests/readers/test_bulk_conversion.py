"""Long tables are converted in bulk; what the fast way gives is what the careful way gives, row by row."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainclinic.readers.blocks import BLOCK_SIZE
from trainclinic.readers.file import LogFile
from trainclinic.readers.formats import delimited_table, json_lines
from trainclinic.readers.tables.number_columns import floats_of, regular_cells, value_of

ROWS = 40_000


def seen(fragments: list[Any]) -> dict[str, list[tuple[int, float, int]]]:
    (fragment,) = fragments
    return {
        name: list(zip(map(int, column.step), map(float, column.value), map(int, column.line), strict=True))
        for name, column in fragment.columns.items()
    }


def rows() -> list[tuple[int, float, float]]:
    return [(10 * n, 2.0 + 1.0 / n, 1e-4 / n) for n in range(1, ROWS + 1)]


@pytest.mark.parametrize("odd_line", [None, "oops,oops,oops", '"5","2.5","0.1"', "", "1,2", "#comment"])
def test_one_odd_line_does_not_change_the_others_of_a_long_csv(tmp_path: Path, odd_line: str | None) -> None:
    lines = [f"{step},{loss!r},{rate!r}" for step, loss, rate in rows()]
    if odd_line is not None:
        lines.insert(ROWS // 2, odd_line)
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss,lr\n" + "\n".join(lines) + "\n")
    assert path.stat().st_size > BLOCK_SIZE
    columns = seen(delimited_table.read(LogFile(path)))
    kept = {line: (step, value) for step, value, line in columns["train/loss"]}
    for n, (step, loss, _) in enumerate(rows(), start=2):
        line = n + 1 if odd_line is not None and n - 2 >= ROWS // 2 else n
        assert kept[line] == (step, loss)
    assert len(kept) <= ROWS + 1


@pytest.mark.parametrize(
    "odd_line", [None, "broken", '{"step": 5, "loss": "2.5", "lr": null}', '{"step": 5, "x": {"loss": 1}}']
)
def test_one_odd_line_does_not_change_the_others_of_long_json_lines(tmp_path: Path, odd_line: str | None) -> None:
    lines = [json.dumps({"step": step, "loss": loss, "lr": rate}) for step, loss, rate in rows()]
    if odd_line is not None:
        lines.insert(ROWS // 2, odd_line)
    path = tmp_path / "metrics.jsonl"
    path.write_text("\n".join(lines))
    assert path.stat().st_size > BLOCK_SIZE
    kept = {line: (step, value) for step, value, line in seen(json_lines.read(LogFile(path)))["train/loss"]}
    for n, (step, loss, _) in enumerate(rows(), start=1):
        line = n + 1 if odd_line is not None and n - 1 >= ROWS // 2 else n
        assert kept[line] == (step, loss)


CELL = st.one_of(
    st.floats().map(repr), st.integers().map(str), st.sampled_from(["", "nan", "inf", "1,5", "x", "None", " 2 ", "1_0"])
)


@given(st.lists(CELL, max_size=20))
@settings(max_examples=200)
def test_a_column_in_bulk_equals_its_cells_one_by_one(cells: list[str]) -> None:
    places, values, wrong = floats_of(cells, "number")
    one_by_one = {row: value for row, cell in enumerate(cells) if (value := value_of(cell, "number")) is not None}
    assert places.tolist() == list(one_by_one)
    for value, expected in zip(values.tolist(), one_by_one.values(), strict=True):
        assert value == expected or (math.isnan(value) and math.isnan(expected))
    assert not set(wrong) & set(one_by_one)


@given(st.lists(st.lists(st.sampled_from(["1", "", "é", "2.5"]), min_size=1, max_size=4), min_size=1, max_size=6))
def test_only_blocks_in_which_every_line_has_the_same_cells_are_split_at_once(table: list[list[str]]) -> None:
    text = "\n".join(",".join(row) for row in table)
    width = len(table[0])
    cells = regular_cells(text, ",", width)
    if all(len(row) == width for row in table):
        assert cells == [cell for row in table for cell in row]
    else:
        assert cells is None


def test_fully_quoted_cells_are_split_at_once_and_separators_inside_quotes_are_not() -> None:
    assert regular_cells('"1","2"\n"3",""', ",", 2) == ["1", "2", "3", ""]
    assert regular_cells('"1,5","2"\n"3"', ",", 2) is None
