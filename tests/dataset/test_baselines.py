"""Losses without a model, against values computed by hand and by closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.dataset.baselines import bigram_entropy, compressed, unigram_entropy


def test_equally_frequent_tokens_cost_the_logarithm_of_their_number() -> None:
    ids = np.arange(800_000, dtype=np.int64) % 8
    assert unigram_entropy(ids) == pytest.approx(math.log(8), abs=1e-5)


def test_one_token_costs_nothing_and_no_token_has_no_value() -> None:
    assert unigram_entropy(np.zeros(50, np.int64)) == 0
    assert unigram_entropy(np.zeros(0, np.int64)) is None


def test_the_correction_for_few_tokens_is_that_of_miller() -> None:
    plain = -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    assert unigram_entropy(np.array([5, 5, 7, 9])) == pytest.approx(plain + 2 / 8)


def test_the_correction_brings_a_small_sample_nearer_to_the_truth() -> None:
    generator = np.random.default_rng(0)
    shares = 1 / np.arange(1, 2_001)
    shares /= shares.sum()
    truth = -(shares * np.log(shares)).sum()
    ids = generator.choice(2_000, 20_000, p=shares)
    counts = np.unique(ids, return_counts=True)[1] / len(ids)
    plug_in = -(counts * np.log(counts)).sum()
    found = unigram_entropy(ids)
    assert found is not None
    assert abs(found - truth) < abs(plug_in - truth) / 2


def test_a_chain_without_choice_costs_nearly_nothing_given_the_token_before() -> None:
    ids = np.arange(30_000, dtype=np.int64) % 10
    pairs = ids[:-1], ids[1:]
    found = bigram_entropy(pairs, pairs, 10)
    assert found is not None
    assert 0 < found < 0.01


def test_bigram_probabilities_are_those_of_witten_and_bell() -> None:
    before, after = np.array([0, 0, 0, 1]), np.array([1, 1, 2, 0])
    # single tokens: 1 twice, 2 once, 0 once of 4, three kinds, five ids: (c + 3/5) / 7
    single = {0: (1 + 0.6) / 7, 1: (2 + 0.6) / 7, 2: (1 + 0.6) / 7, 3: 0.6 / 7}
    after_0 = {one: (seen + 2 * single[one]) / 5 for one, seen in ((1, 2), (2, 1), (3, 0))}
    wanted = -(math.log(after_0[1]) + math.log(after_0[3]) + math.log(single[1])) / 3
    # 4 never came before: the frequencies of single tokens stand in
    found = bigram_entropy((before, after), (np.array([0, 0, 4]), np.array([1, 3, 1])), 5)
    assert found == pytest.approx(wanted)


@given(st.lists(st.integers(0, 6), min_size=2, max_size=40), st.integers(0, 6))
def test_bigram_probabilities_sum_to_one_after_any_token(ids: list[int], before: int) -> None:
    chain = np.array(ids, np.int64)
    shares = []
    for after in range(7):
        loss = bigram_entropy((chain[:-1], chain[1:]), (np.array([before]), np.array([after])), 7)
        assert loss is not None
        shares.append(math.exp(-loss))
    assert sum(shares) == pytest.approx(1.0)


def test_an_empty_side_has_no_bigram_value() -> None:
    nothing = np.zeros(0, np.int64)
    some = np.ones(3, np.int64)
    assert bigram_entropy((nothing, nothing), (some, some), 5) is None
    assert bigram_entropy((some, some), (nothing, nothing), 5) is None


def test_compressors_find_what_stands_in_a_text_twice() -> None:
    noise = np.random.default_rng(1).bytes(100_000)
    once_zlib, once_xz = compressed(noise, 25_000)
    assert once_zlib == pytest.approx(4 * 8 * math.log(2), rel=0.01)
    twice_zlib, twice_xz = compressed(noise * 2, 50_000)
    # zlib looks back 32 kB and misses the copy, xz does not
    assert twice_zlib == pytest.approx(once_zlib, rel=0.01)
    assert twice_xz == pytest.approx(once_xz / 2, rel=0.02)
