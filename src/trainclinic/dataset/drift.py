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

WORDS = 2_000
PERMUTATIONS = 200
READ = 2_000
"""Characters of a row that are counted."""


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


def drift_of(texts: Sequence[str], labels: NDArray[np.int64], seed: int = 0) -> Drift:
    """How far the parts of some texts are from all of them.

    Args:
        texts: The texts, in order.
        labels: Part of each text, from 0, `[texts]`.
        seed: Of the shuffles.
    """
    rows, words = _counted(texts)
    parts = int(labels.max()) + 1
    total = np.bincount(words, minlength=WORDS).astype(np.float64)
    seen = _distances(rows, words, labels, parts, total)
    generator = np.random.default_rng(seed)
    null = np.array(
        [_distances(rows, words, generator.permutation(labels), parts, total).max() for _ in range(PERMUTATIONS)]
    )
    return Drift(seen, float(np.median(null)), float(np.mean(null >= seen.max())))


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
