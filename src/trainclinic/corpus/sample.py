"""One row of training data, in the one shape that everything after the readers works on.

It knows conversations, plain texts and preference pairs. It does not know tokens, templates or quality.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainclinic.record.source import Source

Schema = Literal[
    "alpaca", "sharegpt", "messages", "prompt-completion", "question-answer", "text", "preference", "kto", "tokens"
]
"""How a row was written: names of its fields (`instruction`/`output`, `conversations`, `messages` ...), or Markdown."""
Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: `system`, `user`, `assistant` or `tool`; a role that is none of them stays as it was written.
        content: The text, exactly as written; parts of a list of contents are joined without anything between them.
        reasoning: Text of a separate field for thoughts (`reasoning_content`, `thinking`), empty when there is none.
        calls: Tool calls as JSON, empty when there are none.
        is_scored: Whether the row itself says that the turn is trained on (`weight`, `train`); `None` if it is silent.
        name: The role as written where that is another word (`gpt`, `human`), else empty.
    """

    role: str
    content: str
    reasoning: str = ""
    calls: str = ""
    is_scored: bool | None = None
    name: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether the model is to write this turn."""
        return self.role == "assistant"


@dataclass(frozen=True, slots=True)
class Sample:
    """One row: a conversation (a question with its answer is one of two turns), or a plain text.

    Attributes:
        source: File and line; the first line where a row spans several, `None` in files without lines, whose key then
            says `row 12`.
        number: Position in its file, from 0, counted over all rows, also those that cannot be used.
        schema: How it was written.
        messages: The turns; of a preference pair those with the chosen answer. Empty for plain text.
        text: The plain text; empty for conversations.
        rejected: Of a preference pair the turns with the rejected answer, which begin with the same prompt.
        is_liked: The label of a KTO row.
        tools: Tool definitions as JSON, empty when there are none.
        ids: Token ids of a row that was tokenised before (`input_ids`); such a row has neither text nor turns.
        labels: Its labels, empty when the row has none.
        attended: Its attention mask, empty when the row has none.
        others: Further fields by name, as text of at most 200 characters: sources, ids, scores.
    """

    source: Source
    number: int
    schema: Schema
    messages: tuple[Message, ...] = ()
    text: str = ""
    rejected: tuple[Message, ...] = ()
    is_liked: bool | None = None
    tools: str = ""
    ids: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    attended: tuple[int, ...] = ()
    others: tuple[tuple[str, str], ...] = ()

    @property
    def answers(self) -> tuple[str, ...]:
        """What the model is to write, in order; empty for plain text."""
        return tuple(message.content for message in self.messages if message.is_answer)

    @property
    def answer(self) -> str:
        """The last answer; empty when there is none."""
        return next((message.content for message in reversed(self.messages) if message.is_answer), "")

    @property
    def prompt(self) -> str:
        """Everything before the last answer, turns joined by line feeds; empty for plain text."""
        last = max((at for at, message in enumerate(self.messages) if message.is_answer), default=len(self.messages))
        return "\n".join(message.content for message in self.messages[:last])

    @property
    def whole(self) -> str:
        """All text of the row, turns joined by line feeds."""
        return self.text if not self.messages else "\n".join(message.content for message in self.messages)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with the form of a row or a file; what can be used of the row is used all the same.

    Attributes:
        kind: A name of `TROUBLES`.
        says: What was found and what was expected, in one line; literals in back-ticks.
        source: Where.
        loses_row: Whether the row cannot be used at all.
    """

    kind: str
    says: str
    source: Source
    loses_row: bool = False


TROUBLES: dict[str, str] = {
    "broken-json": "a line or a file that is no valid JSON",
    "not-an-object": "a JSON value where an object with fields was expected",
    "unknown-fields": "fields that belong to no known way of writing training data",
    "other-schema": "a row that is written in another way than most rows of its file",
    "missing-field": "a field that rows of this kind must have",
    "wrong-type": "a value of another type than the field has elsewhere: a number, a list, JSON inside a string",
    "duplicate-key": "a key that stands twice in one object; parsers keep the last",
    "nul-byte": "a NUL byte in the text",
    "byte-order-mark": "a byte-order mark at the beginning of a file or inside it",
    "mixed-newlines": "lines that end in different ways within one file",
    "undecodable-bytes": "bytes that are not UTF-8",
    "unpaired-question": "a question without an answer",
    "unpaired-answer": "an answer without a question",
    "uneven-columns": "a row of a table with more or fewer cells than its header",
    "empty-row": "a row without any text",
    "unreadable": "a file, or the rest of one, that could not be read",
}
"""Kinds of trouble, with their meaning."""
