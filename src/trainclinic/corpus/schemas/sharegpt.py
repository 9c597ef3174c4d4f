"""Conversations as ShareGPT exports write them: `conversations`, a list of turns with `from` and `value`."""

from __future__ import annotations

import json

from trainclinic.corpus.fields import Content, looks_like_turns
from trainclinic.corpus.row_schema import Row, RowSchema
from trainclinic.corpus.sample import Message

_NAMES = ("conversations", "conversation")


def fits(row: Row) -> float:
    """By a list of turns under one of its names, without a pair of answers beside it."""
    has_turns = any(looks_like_turns(row.get(name)) or row.get(name) == [] for name in _NAMES)
    return 0.9 if has_turns and "chosen" not in row else 0.0


def read(row: Row, content: Content) -> None:
    """The turns, a system prompt and tools beside them."""
    name = next((name for name in _NAMES if row.get(name) is not None), "conversations")
    content.messages = content.turns(row, name)
    if row.get("system"):
        content.messages = (Message("system", content.string(row, "system")), *content.messages)
    if tools := row.get("tools"):
        content.used.add("tools")
        content.tools = tools if isinstance(tools, str) else json.dumps(tools, ensure_ascii=False)


SCHEMA = RowSchema(
    name="sharegpt",
    title="ShareGPT",
    fields="`conversations` (from, value), `system`, `tools`",
    fits=fits,
    read=read,
)
