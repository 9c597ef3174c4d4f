"""Damage that no Markdown case can hold: archives cut off, NUL bytes, carriage returns, many places."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from trainclinic.catalogue.verdict import Absent, Present, Verdict
from trainclinic.corpus.open import open_corpus
from trainclinic.dataset.data import Data
from trainclinic.dataset.examine import all_rules
from trainclinic.dataset.tally import MOST_HITS, Hit, Tally
from trainclinic.dataset.troubles import is_no_number, selected
from trainclinic.record.source import Source


def rows(number: int) -> list[str]:
    draw = random.Random(3)
    return [json.dumps({"prompt": f"Say {n}", "completion": f"{draw.random()}"}) for n in range(number)]


def verdict(code: str, folder: Path) -> Verdict:
    return all_rules()[code].rule.check(Data(open_corpus([folder]), questions={}))


def test_an_archive_that_was_cut_off_counts_as_unreadable_beside_a_sound_one(tmp_path: Path) -> None:
    packed = gzip.compress("\n".join(rows(20_000)).encode())
    (tmp_path / "part-0.jsonl.gz").write_bytes(packed)
    assert isinstance(verdict("FMT001", tmp_path), Absent)
    (tmp_path / "part-1.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    found = verdict("FMT001", tmp_path)
    assert isinstance(found, Present)
    assert found.evidence[0].says == "1 of 2 files could not be read to the end"
    assert found.evidence[0].source is not None
    assert found.evidence[0].source.path == "part-1.jsonl.gz"


@pytest.mark.parametrize(
    ("joint", "line"),
    [(b"\r\n", 2), (b"\n\0\0\0\0\n", 3)],
    ids=["a carriage return", "NUL bytes"],
)
def test_line_ends_of_two_kinds_and_nul_bytes_are_told(tmp_path: Path, joint: bytes, line: int) -> None:
    lines = [row.encode() for row in rows(6)]
    (tmp_path / "train.jsonl").write_bytes(b"\n".join(lines))
    assert isinstance(verdict("FMT007", tmp_path), Absent)
    (tmp_path / "train.jsonl").write_bytes(b"\n".join([lines[0], lines[1] + joint + lines[2], *lines[3:]]))
    found = verdict("FMT007", tmp_path)
    assert isinstance(found, Present)
    assert found.evidence[1].source == Source("train.jsonl", line)


def test_bytes_that_are_not_utf8_are_damage(tmp_path: Path) -> None:
    lines = [row.encode() for row in rows(6)]
    (tmp_path / "train.jsonl").write_bytes(b"\n".join([*lines, b'{"prompt": "Caf\xe9?", "completion": "Yes"}']))
    found = verdict("FMT004", tmp_path)
    assert isinstance(found, Present)
    assert found.evidence[0].says == "1 of 7 rows are damaged"


def test_held_out_files_are_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("\n".join(rows(6)))
    (tmp_path / "validation.jsonl").write_text("\n".join([*rows(3), '{"prompt": "When does it op']))
    found = verdict("FMT004", tmp_path)
    assert isinstance(found, Present)
    assert found.evidence[0].source == Source("validation.jsonl", 4)
    assert found.evidence[0].says == "1 of 10 rows are damaged"


def test_places_beyond_the_remembered_ones_follow_the_mind_of_all_remembered_ones() -> None:
    nans = [Hit(Source("a", n), "`NaN` is no JSON value") for n in range(MOST_HITS)]
    assert selected(Tally(5000, 3000, nans), is_no_number).hits == 3000
    mixed = [*nans[1:], Hit(Source("a", 9999), "`{` is no JSON: expecting a name")]
    assert selected(Tally(5000, 3000, mixed), is_no_number).hits == MOST_HITS - 1
