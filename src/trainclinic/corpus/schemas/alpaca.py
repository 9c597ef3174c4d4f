"""Instructions as Alpaca writes them: `instruction`, an optional `input`, and `output`."""

from __future__ import annotations

from collections.abc import Sequence

from trainclinic.corpus.fields import Content
from trainclinic.corpus.row_schema import Row, RowSchema
from trainclinic.corpus.sample import Message

_ANSWERS = ("output", "response", "answer", "completion")


def fits(row: Row) -> float:
    """By an instruction with an answer."""
    return 0.8 if "instruction" in row and any(name in row for name in _ANSWERS) and "chosen" not in row else 0.0


def read(row: Row, content: Content) -> None:
    """Instruction and input as the prompt, earlier turns (`history`) and the system prompt before it."""
    prompt = content.string(row, "instruction")
    for name in ("input", "context"):
        if row.get(name):
            prompt = f"{prompt}\n{content.string(row, name)}"
        content.used.add(name)
    answer = content.string(row, next((name for name in _ANSWERS if name in row), "output"))
    before = [Message("system", content.string(row, "system"))] if row.get("system") else []
    history = row.get("history")
    if isinstance(history, Sequence) and not isinstance(history, str):
        content.used.add("history")
        for pair in history:
            if isinstance(pair, Sequence) and len(pair) == 2:
                before += [Message("user", str(pair[0])), Message("assistant", str(pair[1]))]
    content.messages = (*before, Message("user", prompt), Message("assistant", answer))


SCHEMA = RowSchema(
    name="alpaca",
    title="Alpaca",
    fields="`instruction`, `input` or `context`, `output`, `system`, `history`",
    fits=fits,
    read=read,
)
