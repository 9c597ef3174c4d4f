"""What can be said about tokens without a model: losses of guessing by frequency, and how well the text compresses.

All values are in nats per token. A language model that uses its context is below the bigram value. Compressors see
bytes, not tokens, and are no bound for a loss; they show repetition. It does not know where the tokens come from.
"""

from __future__ import annotations

import lzma
import zlib
from math import log

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
ZLIB_LEVEL = 9
LZMA_PRESET = 6


def unigram_entropy(ids: Ids) -> float | None:
    """Loss of a model that knows how frequent each token is, and nothing else.

    The plug-in estimate -sum p ln p with the correction of Miller (1955), (K - 1) / 2N for K different tokens among N.

    Args:
        ids: Tokens, `[n]`.

    Returns:
        Nats per token, or `None` without tokens.
    """
    if not len(ids):
        return None
    counts = np.unique(ids, return_counts=True)[1]
    shares = counts / len(ids)
    return float(-(shares * np.log(shares)).sum() + (len(counts) - 1) / (2 * len(ids)))


def bigram_entropy(fitted: tuple[Ids, Ids], scored: tuple[Ids, Ids], vocabulary: int) -> float | None:
    """Loss of a model that knows the token before, on rows that it was not fitted on.

    Probabilities are interpolated with those of single tokens, and these with 1 / V (Witten and Bell 1991, method C).

    Args:
        fitted: Tokens before and tokens to predict, each `[n]`, for the counts.
        scored: The same for the loss.
        vocabulary: Number of ids, V.

    Returns:
        Nats per token, or `None` where either side is empty.
    """
    before, after = fitted
    if not len(after) or not len(scored[1]):
        return None
    followers = np.unique(before * vocabulary + after, return_counts=True)
    single = _counted(after, vocabulary)
    kinds = np.count_nonzero(single)
    frequency = (single + kinds / vocabulary) / (len(after) + kinds)
    seen = _counted(before, vocabulary)
    different = _counted(followers[0] // vocabulary, vocabulary)
    wanted = scored[0] * vocabulary + scored[1]
    at = np.minimum(np.searchsorted(followers[0], wanted), len(followers[0]) - 1)
    together = np.where(followers[0][at] == wanted, followers[1][at], 0)
    whole, kinds_after = seen[scored[0]], different[scored[0]]
    known = whole > 0
    share = np.where(
        known,
        (together + kinds_after * frequency[scored[1]]) / np.maximum(whole + kinds_after, 1),
        frequency[scored[1]],
    )
    return float(-np.log(share).mean())


def compressed(text: bytes, tokens: int) -> tuple[float, float]:
    """What zlib and xz need for a text.

    Args:
        text: The text.
        tokens: Number of tokens that it stands for, at least 1.

    Returns:
        Nats per token with zlib level 9, and with xz preset 6.
    """
    sizes = len(zlib.compress(text, ZLIB_LEVEL)), len(lzma.compress(text, preset=LZMA_PRESET))
    by_zlib, by_xz = (8 * size * log(2) / tokens for size in sizes)
    return by_zlib, by_xz


def _counted(ids: Ids, vocabulary: int) -> NDArray[np.int64]:
    return np.bincount(ids, minlength=vocabulary)
