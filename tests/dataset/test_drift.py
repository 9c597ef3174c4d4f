"""Distances of word frequencies, and the neighbours that shuffles keep together."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from trainclinic.dataset.drift import MOST_TOGETHER, drift_of, neighbours
from trainclinic.dataset.duplicates.words import split_words

NO_RUNS = np.zeros(0, np.uint64)
WORDS = [f"{first}{second}{third}" for first in "bdfgk" for second in "aeiou" for third in "lmnrst"]


def told(source: random.Random, length: int = 40) -> str:
    return " ".join(source.choices(WORDS, k=length))


def test_parts_without_a_common_word_lie_at_the_known_distance() -> None:
    drift = drift_of(["a b"] * 4 + ["c d"] * 4, np.repeat([0, 1], 4))
    # p = (1/2, 1/2, 0, 0) against the whole (1/4, 1/4, 1/4, 1/4)
    wanted = (math.log(4 / 3) + 0.5 * math.log(2 / 3) + 0.5 * math.log(2)) / 2
    assert drift.distances == pytest.approx([wanted, wanted])


def test_rows_in_random_order_are_as_far_apart_as_shuffled_ones() -> None:
    source = random.Random(1)
    drift = drift_of([told(source) for _ in range(300)], np.arange(300) // 30)
    assert drift.chance > 0.05
    assert drift.largest < 1.3 * drift.typical


def test_blocks_are_further_apart_than_shuffled_rows() -> None:
    source = random.Random(1)
    texts = [told(source) if at < 150 else told(source).upper() + " upper" * 8 for at in range(300)]
    drift = drift_of(texts, np.arange(300) // 30)
    assert drift.chance == 0
    assert drift.largest > 1.6 * drift.typical


def test_questions_on_one_passage_are_neighbours() -> None:
    source = random.Random(2)
    passages = [told(source) for _ in range(4)]
    texts = [f"{passage} question {at}" for passage in passages for at in range(3)]
    assert neighbours(texts, NO_RUNS).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_rows_of_their_own_have_no_neighbours() -> None:
    source = random.Random(3)
    assert neighbours([told(source) for _ in range(9)], NO_RUNS).tolist() == list(range(9))
    assert neighbours(["", "", "one"], NO_RUNS).tolist() == [0, 1, 2]


def test_a_template_makes_no_neighbours() -> None:
    source = random.Random(4)
    head = "read the text below and say in one word what it is about"
    texts = [f"{head} {told(source, 12)}" for _ in range(8)]
    common = np.unique(split_words([head]).ngrams(3).hashes)
    assert neighbours(texts, NO_RUNS).max() == 0
    assert neighbours(texts, common).tolist() == list(range(8))


def test_a_block_is_more_than_a_group_of_neighbours() -> None:
    groups = neighbours([f"{' '.join(WORDS[:60])} {at}" for at in range(25)], NO_RUNS)
    assert np.bincount(groups).tolist() == [MOST_TOGETHER, MOST_TOGETHER, 5]


def test_neighbours_that_stay_together_make_shuffled_rows_as_far_apart_as_the_file() -> None:
    source = random.Random(5)
    texts = [f"{passage} {at}" for passage in (told(source) for _ in range(60)) for at in range(5)]
    labels = np.arange(300) // 30
    apart = drift_of(texts, labels)
    together = drift_of(texts, labels, neighbours(texts, NO_RUNS))
    assert apart.chance < 0.01 < together.chance
    assert together.largest == apart.largest


def test_only_texts_next_to_each_other_are_neighbours() -> None:
    source = random.Random(6)
    first, second = told(source), told(source)
    assert neighbours([first, second, first, second], NO_RUNS).tolist() == [0, 1, 2, 3]


def test_a_short_text_is_a_neighbour_of_the_long_one_that_it_comes_from() -> None:
    source = random.Random(7)
    long = told(source, 200)
    assert neighbours([long, long[:80], told(source)], NO_RUNS).tolist() == [0, 0, 1]
