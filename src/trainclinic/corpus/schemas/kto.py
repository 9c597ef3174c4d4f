"""Answers with a thumb up or down, as KTO trains on them: `prompt`, `completion` and `label`."""

from __future__ import annotations

from trainclinic.corpus.fields import Content, as_flag, prompt_name
from trainclinic.corpus.row_schema import Row, RowSchema
from trainclinic.corpus.schemas import prompt_completion

_LABELS = ("label", "kto_tag", "liked")


def fits(row: Row) -> float:
    """By a label that says yes or no beside a prompt with a completion."""
    name = next((name for name in _LABELS if name in row), "")
    is_answered = bool(prompt_name(row)) and prompt_completion.fits(row) > 0.5
    says = as_flag(row.get(name)) if name else None
    return 0.85 if is_answered and says is not None and "completion" in row else 0.0


def read(row: Row, content: Content) -> None:
    """Prompt, completion and label."""
    prompt_completion.read(row, content)
    name = next((name for name in _LABELS if name in row), "label")
    content.used.add(name)
    content.is_liked = as_flag(row.get(name))


SCHEMA = RowSchema(
    name="kto",
    title="KTO",
    fields="`prompt`, `completion`, `label`",
    fits=fits,
    read=read,
)
