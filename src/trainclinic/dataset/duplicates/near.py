"""Near-duplicates: rows that share most of their runs of three words.

MinHash signatures (Broder 1997) by rensa's R-MinHash of 128 permutations, candidates from 32 bands of 4, and a check of
every candidate pair by its estimated Jaccard similarity. Copies with 5 % of their words edited are found, copies with
20 % are not. It does not know what a row means: paraphrases share no runs of words.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from trainclinic.dataset.duplicates.exact import normal_digests
from trainclinic.dataset.duplicates.spool import Spool
from trainclinic.dataset.duplicates.words import Grams, blocks_of, split_words
from trainclinic.record.errors import TrainclinicError

PERMUTATIONS = 128
BANDS = 32
WORDS = 3
"""Words of a run. Runs of 5 lose two thirds of the copies in which 10 % of the words were edited."""
LIKENESS = 0.5
"""Estimated Jaccard similarity of the runs from which two rows count as near-duplicates."""
SEED = 42
BLOCK_CHARACTERS = 1_000_000
ROUNDS = 8
"""Leaders that are tried in one bucket; what is like none of them is left to the other bands."""
PAIRS_AT_ONCE = 100_000

Signatures = NDArray[np.uint32]


def near_duplicates_available() -> str | None:
    """`None` when near-duplicates can be searched for, else the library that is missing."""
    return None if find_spec("rensa") else "rensa"


class Signer:
    """Makes signatures.

    Args:
        permutations: Values in a signature.
        words: Words of a run.
        common: Hashes of runs that make no row like another, ascending: those of templates.

    Raises:
        TrainclinicError: If `rensa` is not installed.
    """

    def __init__(
        self, permutations: int = PERMUTATIONS, words: int = WORDS, common: NDArray[np.uint64] | None = None
    ) -> None:
        if missing := near_duplicates_available():
            message = f"searching for near-duplicates needs `{missing}`"
            raise TrainclinicError(message, hint="install it with `pip install 'trainclinic[data]'`")
        self.permutations = permutations
        self.words = words
        self._common = common

    def sign(self, texts: Sequence[str]) -> Signatures:
        """Signatures of texts; one depends on its text alone, not on the others.

        A text with fewer words than a run has is like another only when both are equal but for case and white space.

        Args:
            texts: Texts of any script.

        Returns:
            Signatures, `[texts, permutations]`.
        """
        parts = [self._signed(block) for block in blocks_of(texts, BLOCK_CHARACTERS)]
        return np.concatenate(parts) if parts else np.zeros((0, self.permutations), np.uint32)

    def _signed(self, texts: Sequence[str]) -> Signatures:
        from rensa import RMinHash  # type: ignore[import-untyped]

        runs = split_words(texts).ngrams(self.words)
        if self._common is not None:
            runs = runs.without(self._common)
        runs = _with_short(runs, texts)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            runs.hashes, runs.offsets.astype(np.uint64), num_perm=self.permutations, seed=SEED
        )
        values = b"".join([array("I", row) for row in matrix.to_rows()])
        return np.frombuffer(values, np.uint32).reshape(len(texts), self.permutations)


def _with_short(runs: Grams, texts: Sequence[str]) -> Grams:
    """The runs, and for texts without any the digest of the text."""
    short = np.flatnonzero(runs.counts == 0)
    if not len(short):
        return runs
    whole = normal_digests([texts[at] for at in short.tolist()])
    counts = runs.counts
    counts[short] = 1
    return Grams(np.insert(runs.hashes, runs.offsets[short], whole), np.concatenate([[0], np.cumsum(counts)]))


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Which rows are near-duplicates of each other.

    Attributes:
        first: Index of the first row of each row's cluster, `[rows]`; the row's own where it is that, or alone.
    """

    first: NDArray[np.int64]

    @property
    def is_extra(self) -> NDArray[np.bool_]:
        """Whether a row like it came before, `[rows]`."""
        return np.not_equal(self.first, np.arange(len(self.first)))

    @property
    def extra(self) -> int:
        """Rows like which one came before."""
        return int(np.count_nonzero(self.is_extra))


class NearDuplicates:
    """Signatures of all rows, in a temporary file, until it is asked which rows are alike.

    A row takes 256 bytes: the lowest 8 bits of each value, by which pairs are checked (b-bit MinHash, Li and König
    2010), and a key of 32 bits for each band. Stores of shards are merged in order of the shards, and give the same
    clusters as one store of all rows.
    """

    def __init__(self) -> None:
        self._low = Spool(PERMUTATIONS, np.uint8)
        self._keys = Spool(BANDS, np.uint32, by_column=True)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._low)

    def add(self, signatures: Signatures) -> None:
        """Take the next rows.

        Args:
            signatures: What a `Signer` made of them, `[rows, permutations]`.
        """
        self._low.append((signatures & np.uint32(0xFF)).astype(np.uint8))
        self._keys.append(_band_keys(signatures))

    def merge(self, later: NearDuplicates) -> None:
        """Take the rows of a store of later ones."""
        self._low.extend(later._low)
        self._keys.extend(later._keys)

    def clusters(self, likeness: float = LIKENESS) -> Clusters:
        """Which rows are alike, directly or through others.

        Args:
            likeness: Estimated Jaccard similarity from which two rows are joined, 0-1.
        """
        joins = Joins(len(self))
        low = self._low.rows()
        for band in range(BANDS):
            for pairs in _candidates(self._keys.column(band), joins):
                is_like = _likenesses(low, pairs) >= likeness
                joins.join(pairs[is_like])
        return Clusters(joins.roots())


class Joins:
    """Disjoint sets of rows (union-find); the lowest index of a set stands for it.

    Args:
        rows: Number of rows.
    """

    def __init__(self, rows: int) -> None:
        self._parent = np.arange(rows)

    def roots(self) -> NDArray[np.int64]:
        """The lowest index of the set of each row, `[rows]`."""
        while True:
            higher = self._parent[self._parent]
            if np.array_equal(higher, self._parent):
                return higher
            self._parent = higher

    def join(self, pairs: NDArray[np.int64]) -> None:
        """Unite sets.

        Args:
            pairs: Rows that belong together, `[pairs, 2]`.
        """
        while len(pairs):
            roots = self.roots()[pairs]
            roots = roots[roots[:, 0] != roots[:, 1]]
            low, high = roots.min(axis=1), roots.max(axis=1)
            # of several new parents of one root the last one stays; the next turn joins the others
            self._parent[high] = low
            pairs = np.column_stack([low, high])


def _band_keys(signatures: Signatures) -> NDArray[np.uint32]:
    bands = signatures.reshape(len(signatures), BANDS, -1)
    keys = np.zeros(bands.shape[:2], np.uint32)
    for at in range(bands.shape[2]):
        keys = (keys ^ bands[:, :, at]) * np.uint32(0x9E3779B1)
        keys ^= keys >> np.uint32(15)
    return keys


def _candidates(keys: NDArray[np.uint32], joins: Joins) -> Iterator[NDArray[np.int64]]:
    """Pairs of rows with equal keys that are not joined yet: each row with the first one of its bucket.

    Rows that turn out not to be like it are a bucket of their own in the next round: between a pair and the next the
    caller joins what is alike.
    """
    rows = np.argsort(keys, kind="stable")
    bucket = keys[rows]
    for _ in range(ROUNDS):
        is_start = np.ones(len(rows), np.bool_)
        np.not_equal(bucket[1:], bucket[:-1], out=is_start[1:])
        leader = rows[np.flatnonzero(is_start)[np.cumsum(is_start) - 1]]
        roots = joins.roots()
        is_open = roots[leader] != roots[rows]
        pairs = np.column_stack([leader[is_open], rows[is_open]])
        if not len(pairs):
            return
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            yield pairs[start : start + PAIRS_AT_ONCE]
        roots = joins.roots()
        left = np.flatnonzero(is_open)
        left = left[roots[leader[left]] != roots[rows[left]]]
        rows, bucket = rows[left], bucket[left]


def _likenesses(low: NDArray[np.uint8], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Estimated Jaccard similarities, freed of the one equal byte in 256 that is chance, `[pairs]`."""
    equal: NDArray[np.int64] = np.count_nonzero(low[pairs[:, 0]] == low[pairs[:, 1]], axis=1)
    likeness: NDArray[np.float64] = (equal / low.shape[1] - 1 / 256) / (1 - 1 / 256)
    return likeness
