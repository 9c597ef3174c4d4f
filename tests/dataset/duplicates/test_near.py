from __future__ import annotations

import pickle

import numpy as np
import pytest
from tests.dataset.duplicates.texts import edited, text_of

from trainclinic.dataset.duplicates import near, spool
from trainclinic.dataset.duplicates.near import Joins, NearDuplicates, Signer, near_duplicates_available
from trainclinic.record.errors import TrainclinicError

pytestmark = pytest.mark.skipif(near_duplicates_available() is not None, reason="needs the extra `data`")
BASES = [text_of(seed) for seed in range(30)]
COPIES = [edited(text, 0.05, seed) for seed, text in enumerate(BASES)]


def first_of(texts: list[str], batch: int = 7) -> list[int]:
    store = NearDuplicates()
    for start in range(0, len(texts), batch):
        store.add(Signer().sign(texts[start : start + batch]))
    return store.clusters().first.tolist()


def test_copies_with_few_edited_words_are_found_and_others_are_not():
    assert first_of(BASES + COPIES) == [*range(30), *range(30)]


def test_rows_that_share_a_template_are_not_alike():
    template = text_of(99, words=60)
    assert first_of([template + "\n" + text for text in BASES]) == list(range(30))


def test_rows_that_are_alike_through_another_share_its_cluster():
    first, last = text_of(1, 300).split(), text_of(2, 300).split()
    rows = [" ".join(first[:at] + last[at:]) for at in (0, 60, 120, 180, 240, 300)]
    assert first_of(rows) == [0] * 6


def test_rows_of_less_than_three_words_are_alike_only_when_equal():
    assert first_of(["Yes please", "yes  please ", "yes, please", "No", "", " ", "?", "no"]) == [0, 0, 2, 3, 4, 4, 6, 3]


def test_a_signature_depends_on_its_text_alone(monkeypatch):
    together = Signer().sign([*BASES, "ok"])
    monkeypatch.setattr(near, "BLOCK_CHARACTERS", 10)
    assert np.array_equal(together, Signer().sign([*BASES, "ok"]))
    assert together.shape == (31, 128)
    assert together.dtype == np.uint32


@pytest.mark.parametrize("limit", [0, 1 << 20], ids=["on disk", "in memory"])
def test_stores_of_shards_merge_to_the_store_of_the_whole(limit, monkeypatch):
    monkeypatch.setattr(spool, "IN_MEMORY_BYTES", limit)
    texts = BASES + COPIES
    parts = []
    for start in (0, 20, 45):
        parts.append(NearDuplicates())
        parts[-1].add(Signer().sign(texts[start : {0: 20, 20: 45, 45: 60}[start]]))
    whole = pickle.loads(pickle.dumps(parts[0]))
    whole.merge(parts[1])
    whole.merge(pickle.loads(pickle.dumps(parts[2])))
    assert len(whole) == 60
    assert whole.clusters().first.tolist() == first_of(texts) == [*range(30), *range(30)]
    whole.add(Signer().sign(BASES[:1]))
    assert whole.clusters().first.tolist()[-1] == 0


def test_two_families_in_one_bucket_are_both_found(monkeypatch):
    monkeypatch.setattr(near, "_band_keys", lambda signatures: np.zeros((len(signatures), near.BANDS), np.uint32))
    rows = [BASES[0], BASES[1], COPIES[0], COPIES[1], BASES[2], COPIES[2]]
    assert first_of(rows) == [0, 1, 0, 1, 4, 4]


def test_pairs_beyond_one_portion_are_checked_too(monkeypatch):
    for name, value in {"PAIRS_AT_ONCE": 2, "BANDS": 1, "ROUNDS": 1}.items():
        monkeypatch.setattr(near, name, value)
    assert first_of([BASES[0]] * 9 + [BASES[1]]) == [0] * 9 + [9]


def test_the_lowest_row_stands_for_its_set():
    joins = Joins(7)
    joins.join(np.array([[5, 6], [3, 5], [1, 2]]))
    joins.join(np.array([[6, 2]]))
    assert joins.roots().tolist() == [0, 1, 1, 1, 4, 1, 1]


def test_no_rows_make_no_clusters():
    assert first_of([]) == []
    assert Signer().sign([]).shape == (0, 128)


def test_the_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(near, "find_spec", lambda _: None)
    assert near_duplicates_available() == "rensa"
    with pytest.raises(TrainclinicError, match="needs `rensa`"):
        Signer()
