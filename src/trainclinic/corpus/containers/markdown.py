"""Markdown: questions and answers under their marks, headings that ask, or plain sections."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.corpus.container import Container
from trainclinic.corpus.question_marks import opened_part, without_input_mark
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import DataFile, Line

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(?P<title>.*?)\s*#*\s*$")
_RULER = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,}|={3,})\s*$")
_LEAST_MARKS = 2
_LEAST_ASKING = 0.5


def sniff(file: DataFile) -> float:
    """By at least two questions and an answer under their marks, or by headings in a file called `.md`."""
    if file.is_binary:
        return 0.0
    parts = _parts(file)
    if parts.count("question") >= _LEAST_MARKS and "answer" in parts:
        return 0.8
    return 0.3 if file.is_called(".md", ".markdown") else 0.0


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Pairs where the file has marks, or where most of its headings ask; sections as plain texts otherwise."""
    parts = _parts(file)
    if "question" in parts and "answer" in parts:
        yield from _pairs(file)
        return
    titles = [found["title"] for line in file.head_text.splitlines() if (found := _HEADING.match(line))]
    asking = sum(title.rstrip("*_ ").endswith("?") for title in titles)
    yield from _sections(file, asks=bool(titles) and asking > _LEAST_ASKING * len(titles))


def _parts(file: DataFile) -> list[str]:
    return [opened[0] for line in file.head_text.splitlines() if (opened := opened_part(line))]


def _pairs(file: DataFile) -> Iterator[Raw | Trouble]:
    """Each question with the answer that follows it; what has no partner is told with its line."""
    question: tuple[int, list[str]] | None = None
    answer: tuple[int, list[str]] | None = None
    open_lines: list[str] | None = None
    for number, text in file.lines():
        opened = opened_part(text)
        if opened is None:
            if open_lines is not None and not _RULER.match(text):
                open_lines.append(without_input_mark(text) if answer is None else text)
            continue
        part, rest = opened
        if part == "question":
            yield from _told_pair(file, question, answer)
            question, answer, open_lines = (number, [rest]), None, None
            open_lines = question[1]
        else:
            if answer is not None:
                yield from _told_pair(file, question, answer)
                question = None
            answer = (number, [rest])
            open_lines = answer[1]
    yield from _told_pair(file, question, answer)


def _told_pair(
    file: DataFile, question: tuple[int, list[str]] | None, answer: tuple[int, list[str]] | None
) -> Iterator[Raw | Trouble]:
    asked = "\n".join(question[1]).strip() if question else ""
    if question and answer:
        yield Raw({"question": asked, "answer": "\n".join(answer[1]).strip()}, question[0], schema="question-answer")
    elif question:
        says = f"the question `{_short(asked)}` has no answer"
        yield file.trouble("unpaired-question", says, question[0], loses_row=True)
    elif answer:
        says = f"the answer `{_short(' '.join(answer[1]))}` has no question"
        yield file.trouble("unpaired-answer", says, answer[0], loses_row=True)


def _sections(file: DataFile, *, asks: bool) -> Iterator[Raw | Trouble]:
    """Sections by heading: a question with its answer where headings ask, one text with its heading otherwise."""
    title: Line | None = None
    body: list[str] = []
    first = 1
    for number, text in file.lines():
        found = _HEADING.match(text)
        if found is None:
            if not body and title is None and text.strip():
                first = number
            if body or text.strip():
                body.append(text)
            continue
        yield from _told_section(file, title, first, body, asks=asks)
        title, body, first = Line(number, found["title"] if asks else text), [], number
    yield from _told_section(file, title, first, body, asks=asks)


def _told_section(
    file: DataFile, title: Line | None, first: int, body: list[str], *, asks: bool
) -> Iterator[Raw | Trouble]:
    text = "\n".join(body).strip()
    if asks and title is not None:
        asked = title.text.strip("*_ ")
        if text:
            yield Raw({"question": asked, "answer": text}, title.number, schema="question-answer")
        elif asked.endswith("?"):
            says = f"the question `{_short(asked)}` has no answer"
            yield file.trouble("unpaired-question", says, title.number, loses_row=True)
    elif text:
        whole = text if title is None else f"{title.text}\n\n{text}"
        yield Raw({"text": whole}, first, schema="text")


def _short(text: str) -> str:
    return " ".join(text.replace("`", "'").split())[:60]


CONTAINER = Container(
    form="markdown",
    title="Markdown, questions and answers in text",
    recognised_by="lines such as `QUESTION:` and `ANSWER:`, or the ending `.md`",
    sniff=sniff,
    read=read,
)
