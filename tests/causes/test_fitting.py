"""Counting labelled runs, and what the counts do to the experts' words."""

from __future__ import annotations

import json

import pytest

from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.fitting import Labelled, count, to_json
from trainclinic.causes.knowledge import EXPERT_RUNS, TABLES, Counts, background, build_knowledge, fitted_counts

CAUSE = "double-label-shift"
EXPECTED = all_causes()[CAUSE].cause.expects[0]


def test_what_a_cause_expects_is_counted_for_it_and_the_rest_for_the_background() -> None:
    counts = count(
        [Labelled(CAUSE, {EXPECTED.finding: True, "time-gap": False}), Labelled(CAUSE, {EXPECTED.finding: False})]
    )
    assert counts.shown[CAUSE] == {EXPECTED.finding: (1, 2)}
    assert counts.elsewhere == {"time-gap": (0, 1)}
    assert counts.cases == 2


def test_a_label_that_is_no_cause_is_refused() -> None:
    with pytest.raises(KeyError):
        count([Labelled("bad-luck", {})])


def test_counts_move_an_expert_word_by_their_number() -> None:
    counts = Counts({CAUSE: {EXPECTED.finding: (0, 3)}})
    plain, moved = build_knowledge(Counts()), build_knowledge(counts)
    row = [cause.slug for cause in plain.causes].index(CAUSE)
    column = plain.column(EXPECTED.finding)
    assert column is not None
    expert = float(EXPECTED.frequency)
    assert plain.shows[row, column] == pytest.approx(expert)
    assert moved.shows[row, column] == pytest.approx(EXPERT_RUNS * expert / (EXPERT_RUNS + 3))
    others = [r for r in range(len(plain.causes)) if r != row]
    assert (moved.shows[others] == plain.shows[others]).all()


def test_the_table_reads_back_as_it_was_counted() -> None:
    counts = count([Labelled(CAUSE, {EXPECTED.finding: True, "time-gap": True})])
    raw = json.loads(to_json(counts))
    assert raw == {
        "cases": 1,
        "sharpness": 1.0,
        "shown": {CAUSE: {EXPECTED.finding: [1, 1]}},
        "elsewhere": {"time-gap": [1, 1]},
    }


def test_the_table_of_this_release_names_only_known_causes_and_what_they_expect() -> None:
    counts = fitted_counts()
    assert (TABLES / "counts.json").exists()
    assert counts.cases > 0
    assert counts.shown
    assert set(counts.elsewhere) <= set(background())
    for slug, row in counts.shown.items():
        assert set(row) <= {expect.finding for expect in all_causes()[slug].cause.expects}
        assert all(0 <= present <= looked for present, looked in row.values())
