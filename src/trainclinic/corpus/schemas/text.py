"""Plain texts for language modelling: `text`, `content` or `document`."""

from __future__ import annotations

from trainclinic.corpus.fields import Content
from trainclinic.corpus.row_schema import Row, RowSchema

_NAMES = ("text", "content", "document", "body")


def fits(row: Row) -> float:
    """By a text under one of its names."""
    if any(isinstance(row.get(name), str) for name in _NAMES):
        return 0.5
    return 0.1 if any(isinstance(row.get(name), (int, float)) for name in _NAMES) else 0.0


def read(row: Row, content: Content) -> None:
    """The text."""
    content.text = content.string(row, next((name for name in _NAMES if name in row), "text"))


SCHEMA = RowSchema(
    name="text",
    title="plain text",
    fields="`text`, `content`, `document` or `body`",
    fits=fits,
    read=read,
)
