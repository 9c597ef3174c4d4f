from __future__ import annotations

import pytest
from tests.dataset.duplicates.texts import edited, text_of

from trainclinic.dataset.duplicates.passages import Contained, SharedPassages, containment, shared_ngrams

TRAIN = [text_of(seed) for seed in range(20)]


def test_the_share_of_known_passages_is_exact():
    new = text_of(100)
    half = "\n".join(TRAIN[4].split("\n")[:10]) + "\n" + "\n".join(new.split("\n")[:10])
    shares = shared_ngrams(TRAIN, [TRAIN[3], new, half, "too short", ""])
    # half: 200 words make 188 passages, of which the 88 within the first 100 words are known
    assert shares.tolist() == pytest.approx([1.0, 0.0, 88 / 188, 0.0, 0.0])


def test_case_and_punctuation_hide_no_passage():
    assert shared_ngrams([TRAIN[0]], [TRAIN[0].upper().replace(" ", ", ")]).tolist() == [1.0]


def test_copies_that_saw_different_shards_merge():
    held_out = [TRAIN[0] + "\n" + TRAIN[15]]
    first, later = SharedPassages(held_out), SharedPassages(held_out)
    first.add(TRAIN[:10])
    later.add(TRAIN[10:])
    assert 0.4 < first.shares[0] < 0.5
    first.merge(later)
    assert first.shares.tolist() == shared_ngrams(iter(TRAIN), held_out).tolist()


def test_no_rows_share_nothing():
    assert shared_ngrams([], TRAIN[:1]).tolist() == [0.0]
    assert shared_ngrams(TRAIN, []).tolist() == []


def test_a_row_that_is_part_of_another_is_found():
    quote = "\n".join(TRAIN[2].split("\n")[5:8])
    reply = text_of(50, 40) + "\n" + TRAIN[7]
    assert containment([*TRAIN, quote, reply]) == [
        Contained(7, 21, 1.0),
        Contained(20, 2, 1.0),
    ]


def test_near_duplicates_are_not_part_of_each_other():
    assert containment([*TRAIN, *TRAIN, edited(TRAIN[0], 0.02, 1)]) == []


def test_rows_that_share_a_passage_only_are_not_part_of_each_other():
    shared = text_of(60, 60)
    assert containment([]) == []
    assert containment([shared + "\n" + text_of(70 + at, 100 + 40 * at) for at in range(3)]) == []


def test_of_several_longer_rows_the_one_that_holds_most_is_named():
    part = TRAIN[0].split()[:100]
    less, most = [*part[:95], *text_of(80).split()], [*part[2:], *text_of(81).split()]
    assert containment([" ".join(row) for row in (part, less, most)]) == [Contained(0, 2, 86 / 88)]
