"""From the blocks of a document (headings and paragraphs) to pieces that can be found and quoted.

A piece is a section with the path of its headings; a long section is cut between paragraphs, and the end of a piece is
said again at the beginning of the next. It does not know file formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CHARACTERS = 1200
"""Longest piece, about 300 tokens of English: what small embedding models read, and what a reader takes in at once."""
OVERLAP = 200
"""Characters at most that are said again in the next piece of a section."""
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading or a paragraph.

    Args:
        text: Without marks of its format.
        place: Line, or page, as it stands behind the name of the file.
        level: Depth of a heading from 1; 0 for a paragraph.
    """

    text: str
    place: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a document.

    Args:
        path: Headings from the outermost to the innermost, joined by ` > `; may be empty.
        text: Paragraphs, separated by blank lines.
        place: Where it begins.
    """

    path: str
    text: str
    place: str


def pieces(blocks: Iterable[Block]) -> Iterator[Piece]:
    """The pieces of a document in order; a heading without text gives none.

    Args:
        blocks: Its headings and paragraphs in order.
    """
    headings: list[tuple[int, str]] = []
    section: list[Block] = []
    for block in blocks:
        if not block.level:
            section.append(block)
            continue
        yield from _cut(_path(headings), section)
        section = []
        headings = [known for known in headings if known[0] < block.level]
        headings.append((block.level, " ".join(block.text.split())))
    yield from _cut(_path(headings), section)


def _path(headings: list[tuple[int, str]]) -> str:
    return " > ".join(title for _, title in headings if title)


def _cut(path: str, section: list[Block]) -> Iterator[Piece]:
    """Paragraphs taken together until a piece is full."""
    held: list[str] = []
    place, length = "", 0
    for block in (part for whole in section for part in _short(whole)):
        if held and length + len(block.text) > CHARACTERS:
            yield Piece(path, "\n\n".join(held), place)
            again = _ending(held[-1])
            held, place = ([again] if again else []), block.place
            length = len(again)
        place = place or block.place
        held.append(block.text)
        length += len(block.text) + 2
    if held:
        yield Piece(path, "\n\n".join(held), place)


def _short(block: Block) -> Iterator[Block]:
    """A paragraph, or the parts of one that is longer than a piece: cut behind sentences, else between words."""
    text, begin = block.text.strip(), 0
    while begin < len(text):
        end = begin + CHARACTERS
        if end < len(text):
            half = begin + CHARACTERS // 2
            ends = [found.end() for found in _SENTENCE_END.finditer(text, half, end)]
            blank = text.rfind(" ", half, end)
            end = ends[-1] if ends else blank + 1 if blank > 0 else end
        part = text[begin:end].strip()
        if part:
            yield Block(part, block.place)
        begin = end


def _ending(text: str) -> str:
    """The last sentences of a paragraph, as far as they are short."""
    kept = ""
    for sentence in reversed(_SENTENCE_END.split(text)):
        if len(kept) + len(sentence) + 1 > OVERLAP:
            break
        kept = f"{sentence} {kept}".strip()
    return kept
