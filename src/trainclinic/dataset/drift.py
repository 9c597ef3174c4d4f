"""Whether rows change along a file, or between two sets: distances of word frequencies, against what chance gives.

Jensen-Shannon divergence (Lin 1991, IEEE Trans. Inf. Theory 37) of the most frequent words, with a null from shuffled
rows: rows stay whole, because words of one row belong together. It does not know why rows differ.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainclinic.dataset.duplicates.words import split_words

WORDS = 2_000
PERMUTATIONS = 200
READ = 2_000
"""Characters of a row that are counted."""
RUN = 3
SHARED_RUNS = 0.3
"""Share of the runs of three words of the shorter text that two neighbours about one thing have in common."""
MOST_TOGETHER = 10
"""Texts in a group, at most: longer blocks are what is looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """How far parts of the data are from the whole.

    Attributes:
        distances: Divergence of each part from the whole, in nats, `[parts]`.
        typical: Median of the largest divergence when rows are shuffled.
        chance: Share of shuffles whose largest divergence is as large, 0-1.
    """

    distances: NDArray[np.float64]
    typical: float
    chance: float

    @property
    def largest(self) -> float:
        """The largest divergence."""
        return float(self.distances.max())


def drift_of(
    texts: Sequence[str], labels: NDArray[np.int64], together: NDArray[np.int64] | None = None, seed: int = 0
) -> Drift:
    """How far the parts of some texts are from all of them.

    Args:
        texts: The texts, in order.
        labels: Part of each text, from 0, `[texts]`.
        together: Group of each text, ascending from 0: shuffles keep the texts of a group together, `[texts]`.
        seed: Of the shuffles.
    """
    rows, words = _counted(texts)
    parts = int(labels.max()) + 1
    total = np.bincount(words, minlength=WORDS).astype(np.float64)
    seen = _distances(rows, words, labels, parts, total)
    generator = np.random.default_rng(seed)
    group = np.arange(len(texts)) if together is None else together
    null = np.array(
        [_distances(rows, words, _shuffled(labels, group, generator), parts, total).max() for _ in range(PERMUTATIONS)]
    )
    return Drift(seen, float(np.median(null)), float(np.mean(null >= seen.max())))


def neighbours(texts: Sequence[str], common: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Groups of neighbours that are about one thing, such as questions on one passage or several answers to one prompt.

    Args:
        texts: The texts, in order.
        common: Hashes of the runs of words that templates bring into many texts, ascending.

    Returns:
        Group of each text, ascending from 0, `[texts]`: at most `MOST_TOGETHER` texts of which each shares
        `SHARED_RUNS` of its runs of three words with the one before it.
    """
    runs = split_words([text[:READ] for text in texts]).ngrams(RUN).without(common)
    row = np.repeat(np.arange(len(texts)), runs.counts)
    order = np.lexsort((row, runs.hashes))
    hashes, row = runs.hashes[order], row[order]
    is_same = hashes[1:] == hashes[:-1]
    step = row[1:] - row[:-1]
    shared = np.bincount(row[1:][is_same & (step == 1)], minlength=len(texts))
    kinds = np.bincount(row[:1], minlength=len(texts)) + np.bincount(
        row[1:][~is_same | (step > 0)], minlength=len(texts)
    )
    smaller = np.minimum(kinds[1:], kinds[:-1])
    is_first = np.append(True, (smaller == 0) | (shared[1:] < SHARED_RUNS * smaller))
    place = np.arange(len(texts))
    is_first |= (place - np.maximum.accumulate(np.where(is_first, place, 0))) % MOST_TOGETHER == 0
    return np.cumsum(is_first) - 1


def _shuffled(labels: NDArray[np.int64], group: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """The parts in which texts would lie if their groups stood in random order."""
    order = np.argsort(generator.permutation(int(group[-1]) + 1)[group], kind="stable")
    shuffled = np.empty_like(labels)
    shuffled[order] = labels
    return shuffled


def _counted(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each frequent word as the row it stands in and its number."""
    seen: dict[str, int] = {}
    words = array("i")
    counts = array("i")
    for text in texts:
        before = len(words)
        words.extend([seen.setdefault(word, len(seen)) for word in text[:READ].lower().split()])
        counts.append(len(words) - before)
    found = np.frombuffer(words, np.int32) if words else np.zeros(0, np.int32)
    common = np.argsort(-np.bincount(found, minlength=1), kind="stable")[:WORDS]
    number = np.full(max(len(seen), 1), -1, np.int64)
    number[common] = np.arange(len(common))
    numbers = number[found]
    rows = np.repeat(np.arange(len(texts)), np.frombuffer(counts, np.int32))
    return rows[numbers >= 0], numbers[numbers >= 0]


def _distances(
    rows: NDArray[np.int64], words: NDArray[np.int64], labels: NDArray[np.int64], parts: int, total: NDArray[np.float64]
) -> NDArray[np.float64]:
    counts = np.bincount(labels[rows] * WORDS + words, minlength=parts * WORDS).reshape(parts, WORDS)
    return np.array([_divergence(part.astype(np.float64), total) for part in counts])


def _divergence(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence of two counts, in nats; 0 where either is empty."""
    if not first.sum() or not second.sum():
        return 0.0
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    return float((_relative(p, middle) + _relative(q, middle)) / 2)


def _relative(p: NDArray[np.float64], middle: NDArray[np.float64]) -> float:
    there = p > 0
    return float(np.sum(p[there] * np.log(p[there] / middle[there])))
