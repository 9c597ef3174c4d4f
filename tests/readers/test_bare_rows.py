"""Rows without names are read as step and loss only where nothing speaks against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.readers.file import LogFile
from trainclinic.readers.formats.console_log import READER, sniff
from trainclinic.record.errors import ReadError


def columns(folder: Path, name: str, text: str) -> dict[str, list[tuple[int, float]]]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    try:
        fragments = READER.read(LogFile(path))
    except ReadError:
        return {}
    return {
        name: list(zip(map(int, column.step), map(float, column.value), strict=True))
        for fragment in fragments
        for name, column in fragment.columns.items()
    }


ROWS = "0 2.50\n10 2.31\n20 2.20\n"


def test_rows_of_a_log_are_steps_and_losses(tmp_path: Path) -> None:
    assert columns(tmp_path, "train.log", ROWS) == {"train/loss": [(0, 2.5), (10, 2.31), (20, 2.2)]}


def test_rows_of_an_evaluation_are_told_by_their_word(tmp_path: Path) -> None:
    text = "train 10 2.50\ntrain 20 2.31\ntrain 30 2.20\nval 30 2.45\n"
    found = columns(tmp_path, "train.log", text)
    assert found["eval/loss"] == [(30, 2.45)]
    assert len(found["train/loss"]) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("numbers.txt", ROWS),
        ("train.log", "0 2.50\n10 2.31\n"),
        ("train.log", "10 2.50\n0 2.31\n20 2.20\n"),
        ("train.log", "0 250\n10 231\n20 220\n"),
        ("train.log", "0 2.5e9\n10 2.31\n20 2.20\n"),
        ("train.log", ROWS + "one\ntwo\nthree\nfour\n"),
    ],
    ids=["another name", "two rows", "steps go back", "whole numbers", "no loss is so large", "mostly other lines"],
)
def test_other_numbers_are_no_log(tmp_path: Path, name: str, text: str) -> None:
    assert columns(tmp_path, name, text) == {}


def test_another_reading_goes_first(tmp_path: Path) -> None:
    found = columns(tmp_path, "train.log", "step 5: loss 1.5\n" + ROWS)
    assert found == {"train/loss": [(5, 1.5)]}


def test_the_guess_is_told(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text(ROWS, encoding="utf-8")
    file = LogFile(path)
    (fragment,) = READER.read(file)
    assert [(fact.name, fact.how) for fact in fragment.other_facts] == [("columns_without_names", "inferred")]
    (damage,) = file.damage
    assert damage.count == 3
    assert "no names" in damage.says
    assert 0 < sniff(file) < 0.5
