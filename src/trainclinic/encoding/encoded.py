"""One row as the model gets it: ids, labels, and what each token is.

It knows one row. It does not know how the row was tokenised or what is good.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainclinic.corpus.sample import Sample

IGNORED = -100
"""Label of positions without loss (`ignore_index` of torch's cross-entropy)."""
PARTS = ("frame", "system", "user", "assistant", "tool", "text", "reference")
"""What a token can belong to: markup of the template, the turn of a role, plain text; `reference` is any other role."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A row as tokens and labels, before anything is cut off.

    Attributes:
        sample: The row.
        text: What was tokenised: the row under its template, end token included.
        ids: Token ids, `[n]`.
        starts: First character of each token in `text`, `[n]`.
        ends: Character after the last one, `[n]`.
        labels: The id where the position is scored, `IGNORED` elsewhere, `[n]`.
        parts: Index into `PARTS`, `[n]`.
        answers: Number of the answer that a token belongs to, from 0, end-of-turn marker included; -1 elsewhere, `[n]`.
        kept: First kept token and the one after the last, after truncation.
        end_ids: Ids that end an answer under this tokenizer.
    """

    sample: Sample
    text: str
    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    labels: NDArray[np.int32]
    parts: NDArray[np.uint8]
    answers: NDArray[np.int16]
    kept: tuple[int, int]
    end_ids: frozenset[int]

    def __len__(self) -> int:
        """Tokens of the whole row."""
        return len(self.ids)

    @property
    def is_kept(self) -> NDArray[np.bool_]:
        """Which tokens are left after truncation, `[n]`."""
        at = np.arange(len(self.ids))
        return (at >= self.kept[0]) & (at < self.kept[1])

    @property
    def is_target(self) -> NDArray[np.bool_]:
        """Which tokens are left and scored, `[n]`; the first one is never predicted."""
        found: NDArray[np.bool_] = (self.labels != IGNORED) & self.is_kept
        if self.kept[0] < len(found):
            found[self.kept[0]] = False
        return found

    @property
    def is_answer(self) -> NDArray[np.bool_]:
        """Which tokens the model is to write, `[n]`."""
        return self.answers >= 0

    @property
    def target_count(self) -> int:
        """Number of tokens with a loss."""
        return int(self.is_target.sum())

    @property
    def answer_count(self) -> int:
        """Number of tokens of answers, before truncation."""
        return int(self.is_answer.sum())

    @property
    def answer_lost(self) -> int:
        """Number of tokens of answers that truncation cuts off."""
        return int((self.is_answer & ~self.is_kept).sum())

    @property
    def is_end(self) -> NDArray[np.bool_]:
        """Which tokens end an answer, `[n]`."""
        ends = np.fromiter(self.end_ids, dtype=np.int32, count=len(self.end_ids))
        found: NDArray[np.bool_] = np.isin(self.ids, ends)
        return found

    @property
    def ends_scored(self) -> tuple[bool, ...]:
        """For each answer whether a token that ends it is a target; for plain text whether one is at the end."""
        learned = self.is_end & self.is_target
        if not self.is_answer.any():
            return (bool(learned[-2:].any()),) if len(self.ids) else ()
        return tuple(bool(learned[self.answers == number].any()) for number in range(int(self.answers.max()) + 1))
