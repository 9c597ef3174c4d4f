from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.dataset.duplicates import exact
from trainclinic.dataset.duplicates.exact import digests, groups_of, normal_digests


@pytest.fixture
def no_xxhash(monkeypatch):
    monkeypatch.setitem(sys.modules, "xxhash", None)
    exact._digest.cache_clear()
    yield
    exact._digest.cache_clear()


def test_every_row_points_at_the_first_one_like_it():
    groups = groups_of(digests([b"a", b"b", b"a", b"c", b"b", b"a"]))
    assert groups.first.tolist() == [0, 1, 0, 3, 1, 0]
    assert groups.sizes.tolist() == [3, 2, 3, 1, 2, 3]
    assert groups.extra == 3


def test_among_many_rows_the_first_one_is_named():
    found = groups_of(digests([str(at % 97).encode() for at in range(5_000)]))
    assert found.first.tolist() == [at % 97 for at in range(5_000)]


def test_no_rows_make_no_groups():
    assert len(groups_of(digests([])).first) == 0
    assert len(normal_digests([])) == 0


@pytest.mark.usefixtures("no_xxhash")
def test_groups_are_the_same_without_xxhash():
    assert groups_of(digests([b"a", b"b", b"a"])).first.tolist() == [0, 1, 0]
    assert groups_of(normal_digests(["A  b", "a c", "a\nB "])).first.tolist() == [0, 1, 0]


ODD = st.text(st.sampled_from("aAb \n\t\x1c"), max_size=12) | st.text(
    st.sampled_from("aAbß Ä\n\t\r\x1c\x85\u00a0\u212aİ\ud800"), max_size=12
)


@given(st.lists(ODD, max_size=30))
def test_a_normal_digest_is_that_of_the_folded_text_with_single_spaces(texts):
    folded = [" ".join(text.casefold().split()).encode("utf-8", "surrogatepass") for text in texts]
    assert normal_digests(texts).tolist() == digests(folded).tolist()


@given(st.lists(st.text("ab \n\t", max_size=9), max_size=30))
def test_the_borders_of_blocks_change_no_normal_digest(texts):
    whole = normal_digests(texts)
    before = exact.BLOCK_CHARACTERS
    exact.BLOCK_CHARACTERS = 5
    try:
        assert np.array_equal(normal_digests(texts), whole)
    finally:
        exact.BLOCK_CHARACTERS = before
