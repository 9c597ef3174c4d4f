"""The data in numbers: rows, tokens, lengths, passes of the plan, and the losses that a model must beat.

It knows sizes and baselines. It does not judge them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.dataset.baselines import bigram_entropy, compressed, unigram_entropy
from trainclinic.dataset.course import Course, course_of
from trainclinic.dataset.once import asked_once
from trainclinic.dataset.token_counts import TokenCounts, token_counts

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded

FEW_TARGETS = 100_000
"""Targets below which the unigram entropy is known to +-0.3 nat only: 10,000 tokens of English were 0.35 nat off."""
SCORED_EVERY = 10
"""One row of so many is scored by the bigram model, the others fit it."""
COMPRESSED_CHARACTERS = 1_000_000
LENGTH_STEP = 64


@dataclass(frozen=True, slots=True)
class Baselines:
    """Losses without a model, over the tokens that carry a loss; in nats per token.

    Attributes:
        vocabulary: Number of ids, V.
        uniform: Every id alike, ln V.
        unigram: By the frequencies of the tokens.
        unigram_spread: How far the unigram value may be off.
        bigram: By the token before, on rows that were not counted; `None` for a single row.
        zlib: Size of the scored text under zlib level 9.
        lzma: The same under xz preset 6; below 0.7 of the zlib value in a megabyte, much of the text is there twice.
    """

    vocabulary: int
    uniform: float
    unigram: float
    unigram_spread: float
    bigram: float | None
    zlib: float
    lzma: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """The training data in numbers.

    Attributes:
        rows: Rows that were read.
        characters: Characters of all rows.
        counts: Tokens, targets and lengths.
        suggested_length: Length limit that cuts at most 1 % of the rows: the 99th percentile, rounded up to a multiple
            of 64, at most what the model allows; `None` without rows.
        course: Steps per epoch and passes under the plan.
        baselines: Losses without a model; `None` without a token that carries a loss.
        is_estimate: Whether tokens are bytes, because no tokenizer was given.
    """

    rows: int
    characters: int
    counts: TokenCounts
    suggested_length: int | None
    course: Course
    baselines: Baselines | None
    is_estimate: bool

    @property
    def tokens_per_epoch(self) -> float:
        """Tokens with a loss in one pass over the data."""
        return self.counts.targets.value


@asked_once
def statistics_of(data: Data) -> Statistics:
    """The training data in numbers.

    Args:
        data: The data.
    """
    counts = token_counts(data)
    return Statistics(
        rows=data.survey.rows,
        characters=data.survey.characters,
        counts=counts,
        suggested_length=_suggested(data, counts),
        course=course_of(data),
        baselines=baselines_of(data),
        is_estimate=data.tokenizer.is_stand_in,
    )


@asked_once
def baselines_of(data: Data) -> Baselines | None:
    """Losses without a model, over the targets of the kept rows; `None` when there is no target.

    Args:
        data: The data.
    """
    rows = [row for row in data.encoded if row.target_count]
    if not rows:
        return None
    pairs = [_pairs(row) for row in rows]
    targets = np.concatenate([after for _, after in pairs])
    highest = max(int(before.max(initial=0)) for before, _ in pairs)
    stated = data.preparation.vocabulary.value or data.tokenizer.vocabulary_size
    vocabulary = max(stated, highest + 1, int(targets.max()) + 1)
    scored = [at % SCORED_EVERY == SCORED_EVERY - 1 or at == len(pairs) - 1 for at in range(len(pairs))]
    fitted = _joined([pair for pair, is_scored in zip(pairs, scored, strict=True) if not is_scored])
    judged = _joined([pair for pair, is_scored in zip(pairs, scored, strict=True) if is_scored])
    by_zlib, by_xz = _compressed(rows)
    return Baselines(
        vocabulary=vocabulary,
        uniform=log(vocabulary),
        unigram=unigram_entropy(targets) or 0.0,
        unigram_spread=0.3 if len(targets) < FEW_TARGETS else 0.02,
        bigram=bigram_entropy(fitted, judged, vocabulary),
        zlib=by_zlib,
        lzma=by_xz,
    )


def unigram_entropy_of(data: Data) -> float | None:
    """Unigram entropy of the targets in nats per token: the loss of a model that ignores its context.

    Args:
        data: The data.

    Returns:
        `None` without targets, and without the tokenizer of the model.
    """
    found = None if data.tokenizer.is_stand_in else baselines_of(data)
    return found.unigram if found else None


def _suggested(data: Data, counts: TokenCounts) -> int | None:
    if counts.row_lengths is None:
        return None
    length = ceil(counts.row_lengths.p99 / LENGTH_STEP) * LENGTH_STEP
    return min(length, data.tokenizer.longest or length)


def _pairs(row: Encoded) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The token before each target, and the target."""
    at = np.flatnonzero(row.is_target)
    at = at[(at > 0) & (row.ids[at - 1] >= 0) & (row.labels[at] >= 0)]
    return row.ids[at - 1].astype(np.int64), row.labels[at].astype(np.int64)


def _joined(pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    nothing = np.zeros(0, np.int64)
    before = np.concatenate([nothing, *(one for one, _ in pairs)])
    return before, np.concatenate([nothing, *(other for _, other in pairs)])


def _compressed(rows: list[Encoded]) -> tuple[float, float]:
    texts: list[str] = []
    tokens = held = 0
    for row in rows:
        at = np.flatnonzero(row.is_target)
        gaps = np.flatnonzero(np.diff(at) > 1)
        firsts, lasts = at[np.append(0, gaps + 1)], at[np.append(gaps, len(at) - 1)]
        texts += [row.text[row.starts[a] : row.ends[b]] for a, b in zip(firsts.tolist(), lasts.tolist(), strict=True)]
        tokens += len(at)
        held += int(row.ends[at[-1]])
        if held > COMPRESSED_CHARACTERS:
            break
    return compressed("\n".join(texts).encode("utf-8", "replace"), tokens)
