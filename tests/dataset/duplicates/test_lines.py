from __future__ import annotations

import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.dataset.duplicates import lines
from trainclinic.dataset.duplicates.lines import CommonLine, LineCounter

NOTICE = "Sent with kind regards from my desk"
LINES = st.lists(st.sampled_from([NOTICE, "  " + NOTICE, "a second line of some length", "short", ""]), max_size=6)
TEXTS = st.lists(LINES.map("\n".join), min_size=1, max_size=12)


def counted(texts: list[str]) -> LineCounter:
    counter = LineCounter()
    counter.add(texts)
    return counter


def test_a_line_counts_once_in_each_row_however_often_it_stands_there():
    found = counted([f"{NOTICE}\nx\n  {NOTICE}\r", NOTICE, "nothing"]).common(0.5)
    assert found == [CommonLine(NOTICE, rows=2, times=3)]
    assert found[0].characters == 3 * len(NOTICE)


def test_lines_of_20_characters_are_too_short_and_of_21_are_not():
    assert [line.text for line in counted(["é" * 20 + "\n" + "é" * 21]).common(0.5)] == ["é" * 21]


def test_both_conditions_must_hold():
    counter = counted([NOTICE] * 19 + ["x"] * 81)
    assert counter.common(0.05, rows=20) == []
    assert counter.common(0.2) == []
    assert [line.rows for line in counter.common(0.19, rows=19)] == [19]


def test_a_share_below_the_smallest_one_is_refused():
    with pytest.raises(ValueError, match=r"0\.01"):
        counted(["x"]).common(0.001)


@given(TEXTS, st.integers(0, 12))
def test_counters_of_shards_merge_to_the_counter_of_the_whole(texts, at):
    first, later = counted(texts[:at]), counted(texts[at:])
    first.merge(pickle.loads(pickle.dumps(later)))
    whole = counted(texts)
    assert first.common(0.01) == whole.common(0.01)
    assert (first.rows, first.characters) == (len(texts), sum(map(len, texts)))


def test_without_polars_the_same_lines_are_counted(monkeypatch):
    texts = [NOTICE + "\nthe line number " + "x" * at for at in range(30)] + ["\ud800 " + NOTICE, "", NOTICE * 2]
    with_polars = counted(texts).common(0.01)
    monkeypatch.setitem(sys.modules, "polars", None)
    found = counted(texts).common(0.01)
    assert {(line.rows, line.times) for line in found} == {(line.rows, line.times) for line in with_polars}
    assert found[0] == with_polars[0] == CommonLine(NOTICE, 30, 30)


def test_forgotten_lines_lower_a_count_by_no_more_than_is_said(monkeypatch):
    monkeypatch.setattr(lines, "MOST_LINES", 500)
    monkeypatch.setattr(lines, "MOST_TEXTS", 50)
    counter = LineCounter()
    for batch in range(40):
        rare = [f"a line that occurs once only {batch} {row}" for row in range(100)]
        counter.add([text + ("\n" + NOTICE if batch >= 10 and row % 2 else "") for row, text in enumerate(rare)])
    (line,) = counter.common(0.05)
    assert line.text == NOTICE
    assert 0 < counter.forgot <= 0.02 * counter.rows
    assert 1500 - counter.forgot <= line.rows <= 1500
    assert len(counter._whole()) < 1000
    assert len(counter._texts) < 200


def test_merging_forgets_rare_lines_too(monkeypatch):
    monkeypatch.setattr(lines, "JOINED_LINES", 100)
    monkeypatch.setattr(lines, "MOST_LINES", 500)
    counter = LineCounter()
    for shard in range(10):
        counter.merge(counted([f"a line that occurs once only {shard} {row}\n{NOTICE}" for row in range(200)]))
    assert len(counter._whole()) <= 1000
    assert counter.common(0.5) == [CommonLine(NOTICE, 2000, 2000)]
