"""Text that was read with the wrong character set: UTF-8 taken for Windows-1252 or Latin-1, or the other way round.

Each byte of a UTF-8 sequence becomes a character of its own, so the damage is found by turning characters back into
bytes and decoding them. Letters before a quotation mark can form such a sequence in good text (German eszett before a
closing quote, French `é` before a guillemet). Two things keep these apart: a sequence must become a character that text
is made of, and in damaged text hardly any other character beyond ASCII is left. Where the damage was done is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 4000

LEAST_SHARE = 0.75
"""Share of the characters beyond ASCII that belong to damaged sequences; a text that quotes damage beside the right
spelling has two thirds, damaged text has all but a byte that got lost on the way."""

_HIGH = "\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122"
_NEXT = "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
_SEQUENCE = f"[\u00c2-\u00df]{_NEXT}|[\u00e0-\u00ef]{_NEXT}{{2}}|[\u00f0-\u00f4]{_NEXT}{{3}}"
_LOST = "\u00c3(?=\\s)|\u00e2\u20ac(?=\\W|$)"
"""Sequences whose last byte is gone: a no-break space that became a space, a closing quote without its third byte."""
_REPLACED = "(?<=[^\\W\\d_])\ufffd(?=[\\w\\s,.;:!?)])"
"""One replacement character in or after a word: a letter that was no UTF-8. A model's broken bytes come in runs."""
_LETTERS = (
    (0x80, 0x17F),
    (0x218, 0x21B),
    (0x370, 0x3FF),
    (0x400, 0x45F),
    (0x490, 0x491),
    (0x5D0, 0x5EA),
    (0x600, 0x6FF),
)
"""Two-byte characters that text is made of: Latin, Greek, Cyrillic, Hebrew, Arabic, and the signs beside them."""


@dataclass(frozen=True, slots=True)
class Misdecoding:
    """Damage in one text.

    Attributes:
        sequences: Characters that stand as two to four, or as a replacement character.
        example: The first of them.
        meant: What it was; empty when it cannot be restored.
    """

    sequences: int
    example: str
    meant: str


def misdecoding_of(text: str) -> Misdecoding | None:
    """The damage in a text, or `None` when there is none or the characters may be meant."""
    text = text[:LONGEST]
    if text.isascii():
        return None
    pairs = _sequences(text)
    covered = sum(len(found) for found, _ in pairs) + sum(len(lost) for lost in re.findall(_LOST, text))
    if pairs and covered >= LEAST_SHARE * len(re.findall(f"[{_HIGH}]", text)):
        return Misdecoding(len(pairs), *pairs[0])
    replaced = re.findall(f"\\w*{_REPLACED}\\w*", text)
    if replaced and len(replaced) >= LEAST_SHARE * text.count("\ufffd"):
        return Misdecoding(len(replaced), replaced[0], "")
    return None


def restored(text: str) -> str:
    """The text with every damaged sequence put right, and without single replacement characters in words."""
    if text.isascii():
        return text
    fixed = re.sub(_SEQUENCE, lambda match: _decoded(match[0]) or match[0], text)
    return re.sub(_REPLACED, "", fixed)


def has_letters_beyond_ascii(text: str) -> bool:
    """Whether a text has characters that a wrong character set would have damaged."""
    return not text[:LONGEST].isascii()


def _sequences(text: str) -> list[tuple[str, str]]:
    return [(found, meant) for found in re.findall(_SEQUENCE, text) if (meant := _decoded(found))]


def _decoded(sequence: str) -> str:
    """The character that a sequence stands for, or nothing."""
    data = bytearray()
    for one in sequence:
        data += one.encode("latin-1") if ord(one) < 0x100 else one.encode("cp1252", "ignore")
    try:
        meant = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    wide = len(sequence) > 2 or any(low <= ord(meant) <= high for low, high in _LETTERS)
    return meant if len(meant) == 1 and wide else ""
