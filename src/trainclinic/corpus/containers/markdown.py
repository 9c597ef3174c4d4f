"""Markdown: questions and answers under their marks, headings that ask, or plain sections."""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.corpus.container import Container
from trainclinic.corpus.question_marks import opened_part, words_in_use
from trainclinic.corpus.question_pairs import paired
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.sections import heading_of, outside_fences, sections
from trainclinic.corpus.stream import DataFile

_LEAST_MARKS = 2
_LEAST_ASKING = 0.5


def sniff(file: DataFile) -> float:
    """By at least two questions and an answer under their marks, or by headings in a file called `.md`."""
    if file.is_binary:
        return 0.0
    lines = file.head_text.splitlines()
    words = words_in_use(lines)
    asked = sum(1 for line in lines if (opened := opened_part(line)) and opened.word in words and opened[0] != "answer")
    if asked >= _LEAST_MARKS:
        return 0.8
    return 0.3 if file.is_called(".md", ".markdown") else 0.0


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Pairs where the file has marks, or where most of its headings ask; sections as plain texts otherwise."""
    lines = file.head_text.splitlines()
    if words := words_in_use(lines):
        yield from paired(file, words)
        return
    titles = [title for line in outside_fences(lines) if (title := heading_of(line)) is not None]
    asking = sum(title.endswith("?") for title in titles)
    yield from sections(file, asks=bool(titles) and asking > _LEAST_ASKING * len(titles))


CONTAINER = Container(
    form="markdown",
    title="Markdown, questions and answers in text",
    recognised_by="lines such as `QUESTION:` and `ANSWER:`, or the ending `.md`",
    sniff=sniff,
    read=read,
)
