"""Conversations as OpenAI and Hugging Face write them: `messages`, a list of turns with `role` and `content`."""

from __future__ import annotations

import json

from trainclinic.corpus.fields import Content, looks_like_turns
from trainclinic.corpus.row_schema import Row, RowSchema

_NAMES = ("messages", "dialogue", "dialog", "turns", "chat")


def fits(row: Row) -> float:
    """By a list of turns under one of its names."""
    return 0.9 if any(looks_like_turns(row.get(name)) or row.get(name) == [] for name in _NAMES) else 0.0


def read(row: Row, content: Content) -> None:
    """The turns, and the tools that they may call."""
    name = next((name for name in _NAMES if row.get(name) is not None), "messages")
    content.messages = content.turns(row, name)
    if tools := row.get("tools") or row.get("functions"):
        content.used |= {"tools", "functions"}
        content.tools = tools if isinstance(tools, str) else json.dumps(tools, ensure_ascii=False)


SCHEMA = RowSchema(
    name="messages",
    title="messages",
    fields="`messages` (role, content, tool_calls, reasoning_content, weight or train), `tools`",
    fits=fits,
    read=read,
)
