"""All channels of a search over all passages, as scores; what is asked first and what is mixed later.

It knows where scores come from. It does not know weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainclinic.retrieval.dense import Encoder, Vectors
from trainclinic.retrieval.lexical import Lexical, Scores


@dataclass(frozen=True, slots=True)
class Searcher:
    """What scores come from.

    Args:
        lexical: Words and runs of characters.
        vectors: One vector of length 1 per passage, `[passages, width]`; `None` without an embedding.
        encoder: What made them; `None` without an embedding.
    """

    lexical: Lexical
    vectors: Vectors | None = None
    encoder: Encoder | None = None

    def columns(self, question: str) -> dict[tuple[str, str], Scores]:
        """Scores of every passage by channel and field; cosines below 0 count as 0.

        Args:
            question: What is asked.

        Raises:
            TrainclinicError: If the embedding model cannot be loaded.
        """
        made = self.lexical.scores(question)
        if self.vectors is not None and self.encoder is not None:
            made["dense", ""] = cosines(self.vectors, self.encoder.question(question))
        return made


def cosines(vectors: Vectors, question: Vectors) -> Scores:
    """Cosines of passages and a question, at least 0.

    Args:
        vectors: Of length 1, `[passages, width]`.
        question: Of length 1, `[width]`.
    """
    return np.maximum(np.asarray(vectors @ question, np.float32), np.float32(0))


def best(scores: Scores, amount: int) -> list[int]:
    """Rows with the highest scores, best first; of equal ones the earlier row first. Scores of 0 are left out.

    Args:
        scores: `[passages]`.
        amount: Rows at most.
    """
    if amount < len(scores):
        least = np.partition(scores, len(scores) - amount)[len(scores) - amount]
        rows = np.flatnonzero(scores >= max(least, np.float32(1e-9)))
    else:
        rows = np.flatnonzero(scores > 0)
    order = np.lexsort((rows, -scores[rows]))
    return [int(row) for row in rows[order][:amount]]


def rank(scores: Scores, relevant: tuple[int, ...]) -> int:
    """Rank of the first relevant row, from 1; beyond all rows when it scores 0.

    Args:
        scores: `[passages]`.
        relevant: Rows, one at least.
    """
    row = max(relevant, key=lambda one: (scores[one], -one))
    if scores[row] <= 0:
        return len(scores) + 1
    return int((scores > scores[row]).sum() + (scores[:row] == scores[row]).sum()) + 1
