"""Pairs of answers: `chosen` and `rejected`, with or without a prompt of their own, or numbered answers."""

from __future__ import annotations

import re

from trainclinic.corpus.fields import Content, looks_like_turns, prompt_name
from trainclinic.corpus.row_schema import Row, RowSchema
from trainclinic.corpus.sample import Message

_NUMBERED = re.compile(r"(answer|response|output|completion)_?([01ab])", re.IGNORECASE)
_SCORE = re.compile(r"(?:score|rating)_?[01ab]", re.IGNORECASE)
_SPOKEN = re.compile(r"(?:\A|\n\n)(Human|Assistant): ?")
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
        content.used |= {*_BETTER, *_scores(row)}
        if _second_is_better(row):
            chosen, rejected = rejected, chosen
    before = _before(row, content)
    content.messages = _side(row, chosen, before, content)
    content.rejected = _side(row, rejected, before, content)


def _second_is_better(row: Row) -> bool:
    """Whether the row says so, by naming the better answer or by scores; answers of a row that is silent keep order."""
    name = next((name for name in _BETTER if row.get(name) is not None), "")
    if name:
        return str(row[name]).strip().lower() in {"1", "b"}
    scores = [row[score] for score in _scores(row)]
    return len(scores) == 2 and all(isinstance(one, (int, float)) for one in scores) and scores[1] > scores[0]


def _scores(row: Row) -> list[str]:
    return sorted(name for name in row if _SCORE.fullmatch(name))[:2]


def _numbered(row: Row) -> list[str]:
    return sorted(name for name in row if _NUMBERED.fullmatch(name))[:2]


def _before(row: Row, content: Content) -> tuple[Message, ...]:
    if looks_like_turns(row.get("conversations")):
        return content.turns(row, "conversations")
    name = "instruction" if "instruction" in row else prompt_name(row)
    if not name:
        return ()
    if looks_like_turns(row.get(name)):
        return content.turns(row, name)
    prompt = content.string(row, name)
    if name == "instruction" and row.get("input"):
        prompt = f"{prompt}\n{content.string(row, 'input')}"
    before = (Message("user", prompt),)
    return (Message("system", content.string(row, "system")), *before) if row.get("system") else before


def _side(row: Row, name: str, before: tuple[Message, ...], content: Content) -> tuple[Message, ...]:
    """One side; where it holds the whole conversation, the prompt beside it is not written twice."""
    value = row.get(name)
    if isinstance(value, dict):
        value = [value]
    if not looks_like_turns(value):
        said = content.string(row, name)
        turns = () if before else _spoken(said)
        return turns or (*before, Message("assistant", said))
    turns = content.turns(row, name)
    return turns if any(turn.role == "user" for turn in turns) else (*before, *turns)


def _spoken(text: str) -> tuple[Message, ...]:
    """Turns of a conversation that is one text with `Human:` and `Assistant:`; none where it is no such text."""
    before, *parts = _SPOKEN.split(text)
    if before.strip() or "Assistant" not in parts[::2]:
        return ()
    words = zip(parts[::2], parts[1::2], strict=True)
    return tuple(Message("user" if word == "Human" else "assistant", said, name=word) for word, said in words)


SCHEMA = RowSchema(
    name="preference",
    title="preference pairs",
    fields="`chosen`, `rejected`, `prompt` or `conversations`; `answer_0`/`answer_1`, `response_a`/`response_b`",
    fits=fits,
    read=read,
)
