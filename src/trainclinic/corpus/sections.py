"""Sections of a Markdown text, and texts cut into pieces of a length that fits into a row.

It knows headings, code blocks and blank lines. It does not know what is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import MAX_LINE, DataFile, Line

CHARACTERS = 4_000
"""Text that makes a sample: about what fits into 1,024 tokens."""
MOST_CHARACTERS = 4 * CHARACTERS
"""A piece without a blank line ends here, at the end of a line."""
RULER = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,}|={3,})\s*$")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(?P<title>.*?)\s*#*\s*$")
_FENCE = re.compile(r"\s{0,3}(```+|~~~+)")


def heading_of(line: str) -> str | None:
    """The title that a heading gives, without bold and italic marks; `None` for any other line."""
    found = _HEADING.match(line)
    return found["title"].strip("*_ ") if found else None


def outside_fences(lines: Iterable[str]) -> Iterator[str]:
    """Lines that are no code.

    Args:
        lines: The lines of a text.
    """
    fence = ""
    for line in lines:
        fence, is_code = _fence_after(line, fence)
        if not is_code:
            yield line


def sections(file: DataFile, *, asks: bool) -> Iterator[Raw | Trouble]:
    """Sections by heading: a question with its answer where headings ask, texts with their heading otherwise.

    Args:
        file: The text.
        asks: Whether headings are questions.
    """
    title: Line | None = None
    body: list[Line] = []
    fence, level, held = "", 0, 0
    for number, text in file.lines():
        fence, is_code = _fence_after(text, fence)
        name = None if is_code else heading_of(text)
        if name is None or (asks and _is_inside(text, name, level)):
            held += len(text) + 1
            if held <= MAX_LINE:
                body.append(Line(number, text))
            if not asks and held >= CHARACTERS and (not text.strip() or held >= MOST_CHARACTERS):
                yield from _text_of(title, body)
                title, body, held = None, [], 0
            continue
        yield from _told(file, title, body) if asks and title else _text_of(title, body)
        title, body, held = Line(number, name if asks else text), [], 0
        level = _level(text)
    yield from _told(file, title, body) if asks and title else _text_of(title, body)


def pieces(lines: Iterable[Line]) -> Iterator[Raw]:
    """Whole paragraphs, taken together until there are some thousand characters.

    Args:
        lines: The lines of a text.
    """
    held: list[Line] = []
    characters = 0
    for line in lines:
        if not held and not line.text.strip():
            continue
        held.append(line)
        characters += len(line.text) + 1
        if characters >= CHARACTERS and (not line.text.strip() or characters >= MOST_CHARACTERS):
            yield from _text_of(None, held)
            held, characters = [], 0
    yield from _text_of(None, held)


def shortened(text: str) -> str:
    """The beginning of a text in one line, to be quoted."""
    return " ".join(text.replace("`", "'").split())[:60]


def _told(file: DataFile, title: Line, body: list[Line]) -> Iterator[Raw | Trouble]:
    answer = "\n".join(line.text for line in body).strip()
    if answer:
        yield Raw({"question": title.text, "answer": answer}, title.number, schema="question-answer")
    elif title.text.endswith("?"):
        says = f"the question `{shortened(title.text)}` has no answer"
        yield file.trouble("unpaired-question", says, title.number, loses_row=True)


def _text_of(title: Line | None, body: list[Line]) -> Iterator[Raw]:
    first = next((line.number for line in body if line.text.strip()), None)
    if first is None:
        return
    text = "\n".join(line.text.rstrip("\r") for line in body).strip("\n").rstrip()
    if title is None:
        yield Raw({"text": text}, first, schema="text")
    else:
        yield Raw({"text": f"{title.text}\n\n{text}"}, title.number, schema="text")


def _level(heading: str) -> int:
    return len(heading.lstrip()) - len(heading.lstrip().lstrip("#"))


def _is_inside(heading: str, name: str, level: int) -> bool:
    """Whether a heading is part of the answer below the open one: it is deeper and asks nothing."""
    return 1 < level < _level(heading) and not name.endswith("?")


def _fence_after(line: str, fence: str) -> tuple[str, bool]:
    """The code fence that is open behind a line, and whether the line is code or a fence."""
    found = _FENCE.match(line)
    if not fence:
        return (found[1], True) if found else ("", False)
    closes = found is not None and found[1].startswith(fence) and not line.strip().strip(fence[0])
    return ("", True) if closes else (fence, True)
