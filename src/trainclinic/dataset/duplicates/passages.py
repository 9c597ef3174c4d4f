"""Passages of 13 words that rows share: held-out rows known from training, and rows that are part of another row.

Thirteen words in a row hardly ever agree by chance (Brown et al. 2020 use the same length to find leaked test data). It
does not know passages that were reworded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainclinic.dataset.duplicates.words import Grams, blocks_of, split_words

WORDS = 13
FILTER_BITS = 24
LONGER = 1.1
"""How much longer a row must be than one that it contains; others are near-duplicates."""
CONTAINED_SHARE = 0.8
"""Share of a row's passages that must stand in the other row; one edited word breaks 13 of them."""
RAREST = 4
"""Passages of a row by which rows that may contain it are looked up."""
MOST_HOLDERS = 32
"""Rows that are compared for one passage: the longest ones."""


class SharedPassages:
    """How much of held-out rows stands in training rows, which are streamed past.

    Memory holds the passages of the held-out rows alone. Copies that saw different shards of the training rows merge to
    the answer for all of them.

    Args:
        held_out: Texts of the held-out rows.
        words: Words of a passage.
    """

    def __init__(self, held_out: Sequence[str], words: int = WORDS) -> None:
        self.words = words
        passages = _passages(held_out, words)
        self._offsets = passages.offsets
        self._known, self._at = np.unique(passages.hashes, return_inverse=True)
        self._is_seen = np.zeros(len(self._known), np.bool_)
        # most passages of training rows are sorted out by their lowest bits, without a search
        self._filter = np.zeros(1 << FILTER_BITS, np.bool_)
        self._filter[_low(self._known)] = True

    def add(self, texts: Sequence[str]) -> None:
        """Take the next training rows.

        Args:
            texts: Texts of the rows.
        """
        for block in blocks_of(texts):
            hashes = split_words(block).ngrams(self.words).hashes
            hashes = hashes[self._filter[_low(hashes)]]
            if len(hashes) and len(self._known):
                at = np.minimum(np.searchsorted(self._known, hashes), len(self._known) - 1)
                self._is_seen[at[self._known[at] == hashes]] = True

    def merge(self, other: SharedPassages) -> None:
        """Take the training rows that a copy for the same held-out rows saw."""
        self._is_seen |= other._is_seen

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the passages of each held-out row that stand in training rows, `[held_out]`; 0 for short rows."""
        seen = np.concatenate([[0], np.cumsum(self._is_seen[self._at])])
        counts = np.diff(self._offsets)
        shares: NDArray[np.float64] = np.diff(seen[self._offsets]) / np.maximum(counts, 1)
        return shares


def shared_ngrams(train: Iterable[str], held_out: Sequence[str], words: int = WORDS) -> NDArray[np.float64]:
    """Share of the passages of each held-out row that stand in training rows, `[held_out]`.

    Args:
        train: Texts of the training rows.
        held_out: Texts of the held-out rows.
        words: Words of a passage.
    """
    shared = SharedPassages(held_out, words)
    batch: list[str] = []
    for text in train:
        batch.append(text)
        if len(batch) == 1_000:
            shared.add(batch)
            batch = []
    shared.add(batch)
    return shared.shares


@dataclass(frozen=True, slots=True)
class Contained:
    """A row that is part of another.

    Attributes:
        row: Index of the row.
        within: Index of the longer row.
        share: Share of the row's passages that stand in the longer one, 0-1.
    """

    row: int
    within: int
    share: float


def containment(texts: Sequence[str], words: int = WORDS, share: float = CONTAINED_SHARE) -> list[Contained]:
    """Rows that are part of a longer row.

    Candidates come from the rarest passages of a row that stand in other rows too, so that a short quotation in a long
    row is found as well as half a row; every candidate is then counted exactly, and the one that holds most is named.

    Args:
        texts: Texts of the rows; all of their passages are held in memory, some 50 bytes a word.
        words: Words of a passage; shorter rows are not looked at.
        share: Share of a row's passages that must stand in the longer one, 0-1.
    """
    passages = _passages(texts, words)
    pairs = _candidates(passages)
    held = _held(passages, pairs)
    best: dict[int, Contained] = {}
    for (row, within), found in zip(pairs.tolist(), held, strict=True):
        if found >= share and (row not in best or found > best[row].share):
            best[row] = Contained(row, within, found)
    return sorted(best.values(), key=lambda one: one.row)


def _passages(texts: Sequence[str], words: int) -> Grams:
    parts = [split_words(block).ngrams(words) for block in blocks_of(texts)]
    counts = [np.zeros(1, np.int64), *(part.counts for part in parts)]
    hashes = [np.zeros(0, np.uint64), *(part.hashes for part in parts)]
    return Grams(np.concatenate(hashes), np.cumsum(np.concatenate(counts)))


def _low(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (hashes & np.uint64((1 << FILTER_BITS) - 1)).astype(np.int64)


def _candidates(passages: Grams) -> NDArray[np.int64]:
    """Pairs of a row and a longer one that may contain it, `[pairs, 2]`."""
    counts = passages.counts
    shared = _shared(passages.hashes)
    rows = np.repeat(np.arange(len(counts)), counts)[shared]
    # holders of each passage: the longest rows first
    order = np.lexsort((rows, -counts[rows], passages.hashes[shared]))
    ordered, holders = passages.hashes[shared[order]], rows[order]
    is_start = np.ones(len(ordered), np.bool_)
    is_start[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(is_start)
    group = np.cumsum(is_start) - 1
    sizes = np.diff(np.append(starts, len(ordered)))[group]
    # of each row the passages with the fewest holders
    rare = np.lexsort((sizes, holders))
    rank = np.arange(len(rare)) - np.searchsorted(holders[rare], holders[rare])
    rare = rare[rank < RAREST]
    reach = np.minimum(sizes[rare], MOST_HOLDERS)
    row = np.repeat(holders[rare], reach)
    step = np.arange(len(row)) - np.repeat(np.cumsum(reach) - reach, reach)
    within = holders[np.repeat(starts[group[rare]], reach) + step]
    is_longer = counts[within] > LONGER * counts[row]
    return np.unique(np.column_stack([row[is_longer], within[is_longer]]), axis=0)


def _shared(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where a passage stands that occurs more than once."""
    ordered = np.sort(hashes)
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    may_be = np.zeros(1 << FILTER_BITS, np.bool_)
    may_be[_low(again)] = True
    found = np.flatnonzero(may_be[_low(hashes)])
    return found[np.isin(hashes[found], again)]


def _held(passages: Grams, pairs: NDArray[np.int64]) -> list[float]:
    """Share of the distinct passages of each pair's first row that stand in its second, `[pairs]`."""
    shares = []
    last, part = -1, set[int]()
    for row, within in pairs.tolist():
        if row != last:
            last, part = row, set(passages.of(row).tolist())
        shares.append(len(part.intersection(passages.of(within).tolist())) / len(part))
    return shares
