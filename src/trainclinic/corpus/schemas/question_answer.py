"""Questions and answers that a Markdown or text file writes one below the other."""

from __future__ import annotations

from trainclinic.corpus.fields import Content
from trainclinic.corpus.row_schema import Row, RowSchema
from trainclinic.corpus.sample import Message


def read(row: Row, content: Content) -> None:
    """Question and answer, as the container found them."""
    content.messages = (
        Message("user", content.string(row, "question")),
        Message("assistant", content.string(row, "answer")),
    )


SCHEMA = RowSchema(
    name="question-answer",
    title="questions and answers in Markdown or text",
    fields="`QUESTION:`/`ANSWER:`, `Q:`/`A:`, `User:`/`Assistant:`, `### Instruction:`/`### Response:`, headings",
    fits=lambda _: 0.0,  # only the container knows
    read=read,
)
