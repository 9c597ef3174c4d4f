"""Prompts with completions under any of their names: `prompt`/`completion`, `question`/`answer`, `q`/`a` ..."""

from __future__ import annotations

from collections.abc import Mapping

from trainclinic.corpus.fields import Content, looks_like_turns, prompt_name
from trainclinic.corpus.row_schema import Row, RowSchema
from trainclinic.corpus.sample import Message

_COMPLETIONS = (
    "completion", "answer", "response", "a", "output", "target", "reply", "answers", "assistant", "solution",
)  # fmt: skip


def _completion_name(row: Row) -> str:
    return next((name for name in _COMPLETIONS if name in row), "")


def fits(row: Row) -> float:
    """By a prompt with a completion; a prompt alone is a weak sign."""
    if prompt_name(row) and _completion_name(row):
        return 0.7
    return 0.2 if "prompt" in row else 0.0


def read(row: Row, content: Content) -> None:
    """Prompt and completion as texts or as turns; a passage (`context`) comes before its question."""
    prompt, completion = prompt_name(row), _completion_name(row)
    before = _turns(row, prompt or "prompt", "user", content)
    if row.get("context") and len(before) == 1 and prompt != "context":
        passage = content.string(row, "context")
        before = (Message("user", f"{passage}\n{before[0].content}"),)
    if row.get("system"):
        before = (Message("system", content.string(row, "system")), *before)
    if not completion:
        content.troubles.append(("missing-field", "a completion is missing beside the prompt"))
        content.messages = before
        return
    content.messages = (*before, *_turns(row, completion, "assistant", content))


def _turns(row: Row, name: str, role: str, content: Content) -> tuple[Message, ...]:
    if looks_like_turns(row.get(name)):
        return content.turns(row, name)
    value = row.get(name)
    texts = value.get("text") if isinstance(value, Mapping) else None
    if isinstance(texts, list):  # SQuAD: {"text": [...], "answer_start": [...]}
        content.used.add(name)
        return (Message(role, str(texts[0]) if texts else ""),)
    return (Message(role, content.string(row, name)),)


SCHEMA = RowSchema(
    name="prompt-completion",
    title="prompt and completion",
    fields="`prompt`/`completion`, `question`/`answer`, `query`/`response`, `input`/`output`, `q`/`a`, `context`",
    fits=fits,
    read=read,
)
