"""What is wrong with a single answer: stretches to mark, and remarks in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import count
from trainclinic.report.validation.model import Piece
from trainclinic.signals.generated_text import excerpt

if TYPE_CHECKING:
    from trainclinic.signals.generated_text import OutputShape


def pieces_of(text: str, shape: OutputShape | None) -> tuple[Piece, ...]:
    """The answer with the stretch marked where it goes wrong: from another speaker's turn on, or from where it loops.

    Args:
        text: The answer.
        shape: What it looks like; `None` when it was not measured.
    """
    if shape is None:
        return (Piece(text),)
    if shape.turn is not None:
        at = shape.turn[1]
        return tuple(piece for piece in (Piece(text[:at]), Piece(text[at:], "turn")) if piece.text)
    if shape.loop is not None:
        body = text.rstrip()
        first = len(body) - round(shape.loop.share * len(body)) + len(shape.loop.unit)
        return tuple(piece for piece in (Piece(text[:first]), Piece(text[first:], "repeated")) if piece.text)
    if shape.reserved is not None and shape.reserved[0] in text:
        before, token, after = text.partition(shape.reserved[0])
        return tuple(piece for piece in (Piece(before), Piece(token, "reserved"), Piece(after)) if piece.text)
    return (Piece(text),)


def remarks_on(shape: OutputShape | None, new_tokens: int | None) -> tuple[str, ...]:
    """What is wrong with an answer, in words; empty when nothing is.

    Args:
        shape: What it looks like; `None` when it was not measured.
        new_tokens: Tokens that were generated; `None` when nobody said.
    """
    if shape is None:
        return ()
    if shape.blank:
        tokens = f" after {count(new_tokens, 'token')}" if new_tokens is not None else ""
        return (f"empty{tokens}",)
    found = []
    if shape.loop is not None:
        found.append(f"repeats `{excerpt(shape.loop.unit, 30)}` {shape.loop.repeats:.0f} times")
    elif shape.repeats:
        found.append("repeats its phrases")
    if shape.turn is not None:
        found.append(f"speaks for another: `{shape.turn[0].strip()}`")
    if shape.garbling is not None:
        found.append(f"garbled: {shape.garbling.reason}")
    if shape.misdecoded is not None:
        found.append("characters read with the wrong character set")
    if shape.reserved is not None:
        found.append(f"writes `{shape.reserved[0]}`")
    if shape.at_limit:
        found.append("does not end: the token limit cut it off")
    return tuple(found)
