"""A tokenizer for when none was given: one id for each byte of UTF-8.

It knows bytes and three special tokens. It does not know how many tokens a real vocabulary would need: English takes
three to five times fewer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainclinic.encoding.tokens.tokenizer import Ids, Specials, Tokens

BEGIN, END, PAD = "<begin-of-text>", "<end-of-text>", "<padding>"
_SPECIALS = Specials(ids={BEGIN: 256, END: 257, PAD: 258}, begin=BEGIN, end=END, pad=PAD, ends=frozenset({257}))
_PATTERN = re.compile("|".join(map(re.escape, _SPECIALS.ids)))


@dataclass(frozen=True, slots=True)
class BytesTokenizer:
    """Bytes as tokens: ids 0 to 255 are bytes, then begin, end and padding. It adds nothing to a text."""

    name: str = "bytes"
    is_stand_in: bool = True
    specials: Specials = _SPECIALS
    vocabulary_size: int = 259
    longest: int | None = None
    template: str = ""

    def encode(self, texts: Sequence[str], *, specials: bool) -> list[Tokens]:  # noqa: ARG002
        """Texts as tokens with their characters.

        Args:
            texts: What to encode; text of the three special tokens becomes their ids.
            specials: Without effect: this tokenizer adds nothing.
        """
        return [_encoded(text) for text in texts]

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids alone."""
        return [tokens.ids for tokens in self.encode(texts, specials=False)]

    def piece(self, token: int) -> str:
        r"""The text of one token; bytes that are no character alone are written as `\xe2`."""
        if 0 <= token < 128:
            return chr(token)
        named = next((text for text, number in self.specials.ids.items() if number == token), "")
        return named or (f"\\x{token:02x}" if 0 <= token < 256 else f"<id {token}>")


def _encoded(text: str) -> Tokens:
    parts: list[Tokens] = []
    at = 0
    for match in _PATTERN.finditer(text):
        parts.append(_plain(text[at : match.start()], at))
        number = _SPECIALS.ids[match.group()]
        parts.append(Tokens(_array(number), _array(match.start()), _array(match.end())))
        at = match.end()
    parts.append(_plain(text[at:], at))
    if len(parts) == 1:
        return parts[0]
    ids, starts, ends = ([getattr(part, name) for part in parts] for name in ("ids", "starts", "ends"))
    return Tokens(np.concatenate(ids), np.concatenate(starts), np.concatenate(ends))


def _array(value: int) -> Ids:
    return np.array([value], dtype=np.int32)


def _plain(text: str, at: int) -> Tokens:
    """Bytes of a text that stands at character `at`."""
    raw = np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8)
    leads = (raw & 0xC0) != 0x80
    starts = (np.cumsum(leads, dtype=np.int32) - 1 + at).astype(np.int32)
    return Tokens(raw.astype(np.int32), starts, starts + np.int32(1))
