"""Plain text: paragraphs, taken together until there are some thousand characters."""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.corpus.container import Container
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import DataFile

CHARACTERS = 4_000
"""Text that makes a sample: about what fits into 1,024 tokens; a longer paragraph is a sample of its own."""


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Pieces of whole paragraphs, each with its first line; a piece ends at the first blank line behind its length."""
    lines: list[str] = []
    first, held = 1, 0
    for number, line in file.lines():
        if not lines and not line.strip():
            continue
        if not lines:
            first = number
        lines.append(line)
        held += len(line) + 1
        if held >= CHARACTERS and not line.strip():
            yield Raw({"text": "\n".join(lines).rstrip()}, first, schema="text")
            lines, held = [], 0
    if lines:
        yield Raw({"text": "\n".join(lines).rstrip()}, first, schema="text")


CONTAINER = Container(
    form="text",
    title="plain text",
    recognised_by="anything that is text and nothing else",
    sniff=lambda file: 0.0 if file.is_binary else 0.1,
    read=read,
)
