"""Answers with a thumb up or down, as KTO trains on them: `prompt`, `completion` and `label`."""

from __future__ import annotations

from trainclinic.corpus.fields import Content, as_flag, prompt_name
from trainclinic.corpus.row_schema import Row, RowSchema
from trainclinic.corpus.schemas import messages, prompt_completion, sharegpt

_LABELS = ("label", "kto_tag", "liked")


def fits(row: Row) -> float:
    """By a label that says yes or no beside a prompt with a completion, or `kto_tag` beside a conversation."""
    name = next((name for name in _LABELS if name in row), "")
    if not name or as_flag(row[name]) is None:
        return 0.0
    if name == "kto_tag" and (messages.fits(row) or sharegpt.fits(row)):
        return 0.95
    return 0.85 if prompt_name(row) and "completion" in row else 0.0


def read(row: Row, content: Content) -> None:
    """Prompt and completion, or a conversation, and the label."""
    conversation = next((way for way in (messages, sharegpt) if way.fits(row)), prompt_completion)
    conversation.read(row, content)
    name = next((name for name in _LABELS if name in row), "label")
    content.used.add(name)
    content.is_liked = as_flag(row.get(name))


SCHEMA = RowSchema(
    name="kto",
    title="KTO",
    fields="`prompt`, `completion`, `label`; `messages` or `conversations`, `kto_tag`",
    fits=fits,
    read=read,
)
