"""Lines that open a question or an answer in a text: `QUESTION:`, `**A:**`, `### Response:`, `User:` ...

It knows single lines, and which words go together. It does not know which question an answer belongs to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

Part = Literal["question", "answer"]
LEAST_SHARE = 0.05
"""Of the questions of a text, the share that a pair of words must open to count: `User:` may stand inside an answer."""
_SIDES: tuple[tuple[str, str], ...] = (
    ("question", "answer"), ("q", "a"), ("frage", "antwort"), ("pregunta", "respuesta"), ("domanda", "risposta"),
    ("soru", "cevap"),
    *((asks, says) for asks in ("user", "human") for says in ("assistant", "ai", "bot", "gpt", "model")),
    *((asks, says) for asks in ("instruction", "prompt") for says in ("response", "output", "answer", "completion")),
    ("question", "response"), ("question", "reply"), ("question", "assistant"), ("user", "response"),
)  # fmt: skip
_PART_OF_WORD: dict[str, Part] = {
    **{word: "answer" for _, word in _SIDES},
    **{word: "question" for word, _ in _SIDES},
}
_WORDS = "|".join(sorted(_PART_OF_WORD, key=len, reverse=True))
# Blanks are bounded: two unbounded runs beside each other take quadratic time on a long line of them.
_BEFORE = r"\s{0,3}(?:>\s{0,4})?(?P<heading>#{1,6}\s{0,4})?(?:[-*]\s{1,4}|\d{1,6}[.)]\s{0,4})?(?P<bold>\*\*|__)?\s{0,4}"
_NUMBER = r"\s{0,4}(?:#?\d{1,6})?\s{0,4}"
_MARK = re.compile(
    rf"{_BEFORE}(?P<word>{_WORDS}){_NUMBER}"
    r"(?:(?:\*\*|__)?\s{0,4}[:\uff1a]\s{0,4}(?:\*\*|__)?|(?P<alone>(?:\*\*|__)?\s{0,4}#*\s{0,4}$))\s*",
    re.IGNORECASE,
)
_INPUT = re.compile(
    rf"{_BEFORE}(?:input|context)\s{{0,4}}(?:\*\*|__)?\s{{0,4}}[:\uff1a]\s{{0,4}}(?:\*\*|__)?\s*", re.IGNORECASE
)


class Opened(NamedTuple):
    """What a line opens.

    Attributes:
        part: A question or an answer.
        word: The word that says so, in lower case.
        rest: The text behind the mark.
    """

    part: Part
    word: str
    rest: str


def opened_part(line: str) -> Opened | None:
    """What a line opens; `None` for any other line. Without a colon only a heading or a bold line is a mark.

    Args:
        line: The line.
    """
    found = _MARK.match(line)
    if found is None or (found["alone"] is not None and not (found["heading"] or found["bold"])):
        return None
    word = found["word"].lower()
    if len(word) == 1 and (not found["word"].isupper() or found["alone"] is not None):
        return None
    return Opened(_PART_OF_WORD[word], word, line[found.end() :])


def words_in_use(lines: Iterable[str]) -> frozenset[str]:
    """The words that open questions and answers in a text, those left out that only occur inside of them.

    Args:
        lines: The text, or the beginning of it.
    """
    seen = Counter(opened.word for line in lines if (opened := opened_part(line)))
    pairs = {pair: min(seen[pair[0]], seen[pair[1]]) for pair in _SIDES if seen[pair[0]] and seen[pair[1]]}
    most = max(pairs.values(), default=0)
    return frozenset(word for pair, number in pairs.items() if number >= LEAST_SHARE * most for word in pair)


def without_input_mark(line: str) -> str:
    """A line of a question without the mark of its input (`### Input:`), which belongs to the question."""
    found = _INPUT.match(line)
    return line[found.end() :] if found and line.lstrip().startswith("#") else line
