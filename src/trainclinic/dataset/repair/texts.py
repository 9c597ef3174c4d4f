"""Mend one text: wrongly decoded characters, control characters, forms of Unicode, white space at its ends.

Only what cannot change the meaning of a text is done here; a text that lost characters for good stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache

_ANSI = re.compile(r"\x1b\[[0-?]{0,32}[ -/]{0,8}[@-~]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2060\ufeff\u00ad]")
_SUSPICIOUS = re.compile(r"[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u02c6\u02dc\u2013-\u203a\u20ac\u2122]")
"""Two characters that UTF-8 read as Windows-1252 leaves behind."""


def mended_text(text: str) -> tuple[str, tuple[str, ...]]:
    """A text after mending, and what was done to it, in words.

    Args:
        text: Any text.
    """
    done: list[str] = []
    for says, mend in _STEPS:
        changed = mend(text)
        if changed != text:
            done.append(says)
            text = changed
    return text, tuple(done)


def _decode_again(text: str) -> str:
    """Undo one wrong decoding where every character of it survived."""
    if text.isascii() or not _SUSPICIOUS.search(text):
        return text
    if fix := _fixer():
        changed = fix(text)
    else:
        try:
            changed = text.encode("cp1252").decode("utf-8")
        except UnicodeError:
            return text
    return text if "\ufffd" in changed else changed


@cache
def _fixer() -> Callable[[str], str] | None:
    try:
        from ftfy import fix_encoding
    except ImportError:
        return None
    return fix_encoding


def _without_controls(text: str) -> str:
    return text if text.isprintable() else _CONTROLS.sub("", _ANSI.sub("", text))


def _plain_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("wrongly decoded characters", _decode_again),
    ("line ends", _plain_newlines),
    ("control characters", _without_controls),
    ("forms of Unicode", _composed),
    ("white space at the ends", str.strip),
)
