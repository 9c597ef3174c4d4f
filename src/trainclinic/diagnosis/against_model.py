"""Is answering from the data better than a fine-tune? The same questions to both, the same measure for both.

It knows the order. Searching, asking and scoring are known by the rooms below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.wording import count, number

if TYPE_CHECKING:
    from trainclinic.retrieval.index import Index
    from trainclinic.validation.measure import Tell
    from trainclinic.validation.tested import Answer, Scored

ASKED = 40
"""Questions at most: enough to see a difference of a tenth."""
NEW_TOKENS = 160


@dataclass(frozen=True, slots=True)
class Compared:
    """A model beside an index.

    Attributes:
        model: The model.
        answers: Its answers; `base` holds what the index says, empty where it says nothing.
        scores: How near both are to the expected answers: `tuned` is the model, `base` the index.
    """

    model: str
    answers: tuple[Answer, ...]
    scores: tuple[Scored, ...]

    @property
    def gain(self) -> tuple[float, float]:
        """How much nearer the index is by the last measure, and half of its 95 % interval."""
        last = self.scores[-1]
        apart = np.array(last.base) - np.array(last.tuned)
        return float(apart.mean()), 1.96 * float(apart.std(ddof=1)) / len(apart) ** 0.5 if len(apart) > 1 else np.inf

    @property
    def says(self) -> str:
        """The answer to the question, in one sentence."""
        nearer, spread = self.gain
        measure = self.scores[-1].metric
        found = (
            f"by {number(abs(nearer), 2)} ± {number(spread, 2)} {measure} over {count(len(self.answers), 'question')}"
        )
        if abs(nearer) <= spread:
            return f"neither is better for certain: they differ {found}"
        return f"{'answering from the data' if nearer > 0 else 'the model'} is nearer to the expected answers, {found}"


def compare(
    index: Index, questions: Sequence[tuple[str, str]], model: Path, *, base: str = "", tell: Tell | None = None
) -> Compared:
    """Ask both the same questions.

    Args:
        index: The index.
        questions: Questions with the expected answers.
        model: Folder of the model or of an adapter.
        base: Base of an adapter, where its configuration does not lead to it.
        tell: Told of the progress.

    Raises:
        TrainclinicError: If the model cannot be loaded, or there is no question.
    """
    from trainclinic.record.errors import TrainclinicError
    from trainclinic.validation.asking import answers_of
    from trainclinic.validation.measure import Wanted, silent
    from trainclinic.validation.scores import scores_of
    from trainclinic.validation.tested import DEPTHS

    if not questions:
        message = f"`{index.title}` gives no question to compare with, expected questions with answers or longer texts"
        raise TrainclinicError(message)
    chosen = questions[:: -(-len(questions) // ASKED)]
    depth = replace(DEPTHS["usual"], prompts=len(chosen), new_tokens=NEW_TOKENS)
    wanted = Wanted(model, base, "", "auto", None, depth)
    answers = answers_of(wanted, chosen, tell or silent)
    both = tuple(replace(one, base=_found(index, one.question)) for one in answers)
    scores, _ = scores_of(both)
    return Compared(str(model), both, scores)


def _found(index: Index, question: str) -> str:
    """What the index says to a question: its best passage, nothing below the floor."""
    return next((hit.passage.text for hit in index.search(question) if hit.score >= index.floor), "")
