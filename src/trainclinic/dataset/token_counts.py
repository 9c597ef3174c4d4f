"""Tokens of the data: how many there are, how many carry a loss, how long rows and answers are.

Counts over all rows are estimated from the kept rows by their tokens per character, the characters of all rows being
known. It does not know what follows from a count.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.dataset.once import asked_once
from trainclinic.dataset.tally import Z95

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHARES = (0.5, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of the whole data set.

    Attributes:
        value: The number.
        spread: Half the width of its 95 % interval; 0 when every row was counted.
    """

    value: float
    spread: float = 0.0

    @property
    def low(self) -> float:
        """Lower end of the interval, not below 0."""
        return max(0.0, self.value - self.spread)

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.value + self.spread


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Lengths in tokens below which a share of the rows lies.

    Attributes:
        p50: Half of them.
        p90: 90 % of them.
        p95: 95 % of them.
        p99: 99 % of them.
        most: The longest.
    """

    p50: int
    p90: int
    p95: int
    p99: int
    most: int


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of the training data before padding.

    Attributes:
        tokens: All tokens before truncation.
        targets: Tokens with a loss, after truncation.
        answers: Tokens that the model is to write, before truncation; of plain text all.
        row_lengths: Tokens of a row; `None` without rows.
        answer_lengths: Tokens of all answers of a row, of plain text the whole; `None` without rows.
        counted_rows: Rows that were tokenised.
    """

    tokens: Estimate
    targets: Estimate
    answers: Estimate
    row_lengths: Quantiles | None
    answer_lengths: Quantiles | None
    counted_rows: int


@asked_once
def token_counts(data: Data) -> TokenCounts:
    """The tokens of the training data under their tokenizer, template and loss mask.

    Args:
        data: The data.
    """
    rows = data.encoded
    lengths = np.array([len(row) for row in rows], np.int64)
    targets = np.array([row.target_count for row in rows], np.int64)
    answers = np.array([row.answer_count if row.sample.messages else len(row) for row in rows], np.int64)
    characters = np.array([len(row.sample.whole) for row in rows], np.int64)
    total = data.survey.characters, data.survey.rows
    return TokenCounts(
        tokens=_scaled(lengths, characters, total),
        targets=_scaled(targets, characters, total),
        answers=_scaled(answers, characters, total),
        row_lengths=_quantiles(lengths),
        answer_lengths=_quantiles(answers),
        counted_rows=len(rows),
    )


def _scaled(counts: NDArray[np.int64], characters: NDArray[np.int64], total: tuple[int, int]) -> Estimate:
    """A sum over all rows by the ratio estimator (Cochran 1977, Sampling Techniques, chapter 6)."""
    all_characters, all_rows = total
    if len(counts) in (0, all_rows):
        return Estimate(float(counts.sum()))
    held = characters.sum()
    per = counts.sum() / held if held else counts.mean()
    whole = per * all_characters if held else per * all_rows
    if len(counts) < 2:
        return Estimate(float(whole), float(whole))
    rest = counts - per * characters
    spread = Z95 * all_rows * sqrt(float(rest.var(ddof=1)) / len(counts) * max(0.0, 1 - len(counts) / all_rows))
    return Estimate(float(whole), spread)


def _quantiles(lengths: NDArray[np.int64]) -> Quantiles | None:
    if not len(lengths):
        return None
    found = np.quantile(lengths, SHARES, method="inverted_cdf").astype(int).tolist()
    return Quantiles(*found)
