"""Lines that open a question or an answer in a text: `QUESTION:`, `**A:**`, `### Response:`, `User:` ...

It knows single lines. It does not know which question an answer belongs to.
"""

from __future__ import annotations

import re
from typing import Literal

Part = Literal["question", "answer"]
_DECORATION = r"\s{0,3}(?:#{1,6}\s*|>\s*|[-*]\s+|\d{1,6}[.)]\s*)?(?:\*\*|__)?\s*"
_END = r"\s*(?:#?\d{1,6})?\s*(?:\*\*|__)?\s*[:\uff1a]\s*(?:\*\*|__)?\s*"
_QUESTION = re.compile(
    rf"{_DECORATION}(?:(?i:question|user|human|instruction|prompt|frage|pregunta|domanda|soru)|Q){_END}"
)
_ANSWER = re.compile(
    rf"{_DECORATION}(?:(?i:answer|assistant|ai|bot|response|output|reply|antwort|respuesta|risposta|cevap)|A){_END}"
)
_INPUT = re.compile(rf"{_DECORATION}(?i:input|context){_END}")


def opened_part(line: str) -> tuple[Part, str] | None:
    """What a line opens, and the text behind the mark; `None` for any other line.

    Args:
        line: The line.
    """
    if found := _QUESTION.match(line):
        return "question", line[found.end() :]
    if found := _ANSWER.match(line):
        return "answer", line[found.end() :]
    return None


def without_input_mark(line: str) -> str:
    """A line of a question without the mark of its input (`### Input:`), which belongs to the question."""
    found = _INPUT.match(line)
    return line[found.end() :] if found and line.lstrip().startswith("#") else line
