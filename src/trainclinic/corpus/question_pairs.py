"""Pair the questions of a text with the answers that follow them.

It knows marks, rulers and headings. It does not know whether an answer answers its question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from trainclinic.corpus.question_marks import opened_part, without_input_mark
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.sections import RULER, heading_of, shortened
from trainclinic.corpus.stream import MAX_LINE, DataFile


@dataclass(slots=True)
class _Block:
    """A question or an answer with its first line."""

    line: int
    lines: list[str] = field(default_factory=list)
    held: int = 0

    def add(self, text: str) -> None:
        """One more line, as long as the block is not longer than any line may be."""
        self.held += len(text) + 1
        if self.held <= MAX_LINE:
            self.lines.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


def paired(file: DataFile, words: frozenset[str]) -> Iterator[Raw | Trouble]:
    """Each question with the answer that follows it; what has no partner is told with its line.

    Args:
        file: The text.
        words: Words that open a question or an answer in it.
    """
    question: _Block | None = None
    answer: _Block | None = None
    preamble = _Block(1)
    for number, text in file.lines():
        opened = opened_part(text)
        if opened is None or opened.word not in words:
            if answer is not None:
                answer.add(text)
            elif question is not None:
                question.add(without_input_mark(text))
            else:
                preamble.add(text)
            continue
        if opened.part == "question" or answer is not None:
            yield from _told(file, question, answer, preamble.text)
            question, answer = None, None
        block = _Block(number)
        block.add(opened.rest)
        question, answer = (block, None) if opened.part == "question" else (question, block)
    yield from _told(file, question, answer, "")


def _told(file: DataFile, question: _Block | None, answer: _Block | None, preamble: str) -> Iterator[Raw | Trouble]:
    if question and answer:
        asked = re.sub(r"\n{3,}", "\n\n", _trimmed(question.text))
        said = _trimmed(answer.text.removesuffix(preamble))
        yield Raw({"question": asked, "answer": said}, question.line, schema="question-answer")
    elif question:
        says = f"the question `{shortened(question.text)}` has no answer"
        yield file.trouble("unpaired-question", says, question.line, loses_row=True)
    elif answer:
        says = f"the answer `{shortened(answer.text)}` has no question"
        yield file.trouble("unpaired-answer", says, answer.line, loses_row=True)


def _trimmed(text: str) -> str:
    """A text without the rulers and headings at its end, which belong to what comes next."""
    lines = text.rstrip().split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or RULER.match(lines[-1]) or heading_of(lines[-1]) is not None):
        lines.pop()
    return "\n".join(line for line in lines if not RULER.match(line)).strip()
