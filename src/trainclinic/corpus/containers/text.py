"""Plain text: paragraphs, taken together until there are some thousand characters."""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.corpus.container import Container
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.sections import pieces
from trainclinic.corpus.stream import DataFile


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Pieces of whole paragraphs, each with its first line; a piece ends at the first blank line behind its length."""
    yield from pieces(file.lines())


CONTAINER = Container(
    form="text",
    title="plain text",
    recognised_by="anything that is text and nothing else",
    sniff=lambda file: 0.0 if file.is_binary else 0.1,
    read=read,
)
