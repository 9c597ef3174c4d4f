"""Rows that were tokenised before: `input_ids`, with or without `labels` and `attention_mask`."""

from __future__ import annotations

from typing import Any

from trainclinic.corpus.fields import Content
from trainclinic.corpus.row_schema import Row, RowSchema


def fits(row: Row) -> float:
    """By a list of ids."""
    return 1.0 if isinstance(row.get("input_ids"), list) else 0.0


def read(row: Row, content: Content) -> None:
    """Ids, labels and mask; what is no whole number is noted and left out with all of its list."""
    content.ids = _numbers(row, "input_ids", content)
    content.labels = _numbers(row, "labels", content) if row.get("labels") is not None else ()
    content.attended = _numbers(row, "attention_mask", content) if row.get("attention_mask") is not None else ()


def _numbers(row: Row, name: str, content: Content) -> tuple[int, ...]:
    content.used.add(name)
    value: Any = row.get(name)
    if not isinstance(value, list) or any(type(one) is not int for one in value):
        content.troubles.append(("wrong-type", f"the field `{name}` holds something else than a list of whole numbers"))
        return ()
    return tuple(value)


SCHEMA = RowSchema(
    name="tokens",
    title="tokenised rows",
    fields="`input_ids`, `labels`, `attention_mask`",
    fits=fits,
    read=read,
)
