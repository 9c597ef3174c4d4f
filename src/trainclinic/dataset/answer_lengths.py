"""How long the answers of the kept rows are, in words, counted once per data set.

It knows scripts that write no spaces between words. It does not know which length is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from trainclinic.dataset.once import asked_once

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

_STRUCTURED = ("{", "[", "<", "```", "|", "$$", "\\[", "\\begin")


@dataclass(frozen=True, slots=True)
class Length:
    """The longest answer of a row.

    Attributes:
        sample: The row.
        answer: That answer.
        words: Its words.
    """

    sample: Sample
    answer: str
    words: int

    @property
    def is_structured(self) -> bool:
        """Whether the answer is JSON, markup, code, a table or a formula rather than prose."""
        return self.answer.lstrip().startswith(_STRUCTURED)


@asked_once
def lengths_of(data: Data) -> tuple[Length, ...]:
    """Lengths of the kept rows that have an answer; rows that call tools and empty answers are left out.

    Args:
        data: The data.
    """
    found = []
    for sample in data.survey.samples:
        answer = max(sample.answers, key=len, default="")
        if answer.strip() and not any(message.calls for message in sample.messages):
            found.append(Length(sample, answer, words_in(answer)))
    return tuple(found)


def words_in(text: str) -> int:
    """Words of a text; in scripts without spaces two characters count as one word.

    Args:
        text: Any text.
    """
    words = len(text.split())
    return words if text.isascii() else words + sum(len(run) // 2 for run in _unspaced().findall(text))


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")
