"""Pairs of answers: `chosen` and `rejected`, with or without a prompt of their own, or numbered answers."""

from __future__ import annotations

import re

from trainclinic.corpus.fields import Content, looks_like_turns, prompt_name
from trainclinic.corpus.row_schema import Row, RowSchema
from trainclinic.corpus.sample import Message

_NUMBERED = re.compile(r"(answer|response|output|completion)_?([01ab])", re.IGNORECASE)
_BETTER = ("better_response_id", "safer_response_id", "preferred", "winner", "choice", "label")


def fits(row: Row) -> float:
    """By the two sides, or by two numbered answers."""
    if "chosen" in row and "rejected" in row:
        return 0.95
    return 0.75 if prompt_name(row) and len(_numbered(row)) == 2 else 0.0


def read(row: Row, content: Content) -> None:
    """Both sides, each behind the same prompt."""
    if "chosen" in row:
        chosen, rejected = "chosen", "rejected"
    else:
        chosen, rejected = _numbered(row)
        better = next((row[name] for name in _BETTER if name in row), None)
        if str(better).strip().lower() in {"1", "b", "2" if rejected.endswith("2") else "b"}:
            chosen, rejected = rejected, chosen
    before = _before(row, content)
    content.messages = _side(row, chosen, before, content)
    content.rejected = _side(row, rejected, before, content)


def _numbered(row: Row) -> list[str]:
    return sorted(name for name in row if _NUMBERED.fullmatch(name))[:2]


def _before(row: Row, content: Content) -> tuple[Message, ...]:
    if looks_like_turns(row.get("conversations")):
        return content.turns(row, "conversations")
    name = prompt_name(row)
    if not name:
        return ()
    if looks_like_turns(row.get(name)):
        return content.turns(row, name)
    before = (Message("user", content.string(row, name)),)
    return (Message("system", content.string(row, "system")), *before) if row.get("system") else before


def _side(row: Row, name: str, before: tuple[Message, ...], content: Content) -> tuple[Message, ...]:
    """One side; where it holds the whole conversation, the prompt beside it is not written twice."""
    value = row.get(name)
    if isinstance(value, dict):
        value = [value]
    if not looks_like_turns(value):
        return (*before, Message("assistant", content.string(row, name)))
    turns = content.turns(row, name)
    return turns if any(turn.role == "user" for turn in turns) else (*before, *turns)


SCHEMA = RowSchema(
    name="preference",
    title="preference pairs",
    fields="`chosen`, `rejected`, `prompt` or `conversations`; `answer_0`/`answer_1`, `response_a`/`response_b`",
    fits=fits,
    read=read,
)
