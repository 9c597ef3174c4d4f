"""Text whose UTF-8 bytes were read as another character set: where it stands, which set it was, what it was before.

It knows UTF-8 read as Windows-1252, -1250, -1251, -1254, ISO 8859-1 and Mac Roman, once or twice. It does not know
damage in the other direction (Windows text read as UTF-8 leaves U+FFFD), and no damage that leaves ASCII behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

_QUOTES = "\u2018\u2019\u201c\u201d\u2026\u2013\u2014\u2022\u2122\u203a\xab\xbb\u2039"
"""Read as Windows-1252 these are bytes 80-BF, and right after a capital at the end of a word all the same."""
_CODECS = (
    ("cp1252", "Windows-1252"),
    ("cp1254", "Windows-1254"),
    ("latin-1", "ISO 8859-1"),
    ("cp1250", "Windows-1250"),
    ("cp1251", "Windows-1251"),
    ("mac_roman", "Mac Roman"),
)
_PLACES = 20
"""Damaged places of a text that are decoded again; one that lost bytes is enough to know."""


@dataclass(frozen=True, slots=True)
class Garbled:
    """A damaged place.

    Attributes:
        seen: The damaged characters with the word they stand in.
        meant: The same as it was before; empty where bytes were lost and nobody can know.
        read_as: The character set that the bytes were taken for, as people name it.
    """

    seen: str
    meant: str
    read_as: str

    @property
    def is_lossy(self) -> bool:
        """Whether bytes are gone, so that only a new export from the source helps."""
        return not self.meant


def garbled_place(text: str) -> Garbled | None:
    """A damaged place of a text, one that lost bytes before others; `None` where the text is whole.

    Args:
        text: Any text.
    """
    first: Garbled | None = None
    for found, _ in zip(_found_in(text), range(_PLACES), strict=False):
        place = _examined(text, found)
        if place.is_lossy:
            return place
        first = first or place
    return first


def _found_in(text: str) -> Iterator[re.Match[str]]:
    suspicious, trace = _suspicious(), _traces()
    candidate = None if text.isascii() else suspicious.search(text)
    while candidate:
        found = trace.match(text, candidate.start())
        if found:
            yield found
        candidate = suspicious.search(text, found.end() if found else candidate.start() + 1)


def _examined(text: str, found: re.Match[str]) -> Garbled:
    """What a trace was before, by the first character set that explains all of it."""
    start, end = _run(text, found.start(), found.end())
    damaged = text[start:end]
    before, after = _letters(text, start, -1), _letters(text, end, 1)
    seen = text[before:after]
    for codec, name in _CODECS:
        meant = _decoded_again(damaged, codec)
        if meant is not None:
            return Garbled(seen, text[before:start] + meant + text[end:after], name)
    return Garbled(seen, "", _likely_set(damaged))


def _run(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters outside ASCII around a trace: one decoding made all of them."""
    while start > 0 and not text[start - 1].isascii() and end - start < 200:
        start -= 1
    while end < len(text) and not text[end].isascii() and end - start < 400:
        end += 1
    return start, end


def _letters(text: str, at: int, step: int) -> int:
    """Where the word that a damaged place stands in begins (`step` -1) or ends (`step` 1)."""
    for _ in range(20):
        inside = at - 1 if step < 0 else at
        if not 0 <= inside < len(text) or not text[inside].isalnum() or not text[inside].isascii():
            break
        at += step
    return at


def _decoded_again(damaged: str, codec: str) -> str | None:
    data = _bytes_of(damaged, codec)
    try:
        once = None if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if once is None or "\ufffd" in once:
        return None
    again = _decoded_again(once, codec) if not once.isascii() and any(_found_in(once)) else None
    return again or once


def _bytes_of(damaged: str, codec: str) -> bytes | None:
    """Bytes of a text; undefined positions of a code page hold the control character of the same number."""
    data = bytearray()
    for character in damaged:
        if character in "\x81\x8d\x8f\x90\x9d":
            data.append(ord(character))
            continue
        try:
            data += character.encode(codec)
        except UnicodeEncodeError:
            return None
    return bytes(data)


def _likely_set(damaged: str) -> str:
    if "\u0160\u0178" in damaged or "\u011f" in damaged:
        return "Windows-1254"
    if re.search("[\u0420\u0421\u0432]", damaged):
        return "Windows-1251"
    if "\u221a" in damaged or "\u201a\xc4" in damaged:
        return "Mac Roman"
    return "ISO 8859-1" if re.search("[\x80-\x9f]", damaged) else "Windows-1252"


@cache
def _suspicious() -> re.Pattern[str]:
    """Two characters that any trace has next to each other: one class after another is searched at full speed."""
    heads = (
        "\xc2-\xc5\xce-\xd1\xd7-\xdb\xe0-\xed\xef\xf0\u0102\u010e-\u0111\u011e\u011f\u0139\u0143\u0420\u0421\u0432"
        "\u201a\u221a\u951f"
    )
    seconds = (
        "\x80-\xbf\xc4\u0104-\u017e\u0192\u02c6-\u02dd\u0402-\u045f\u0490\u0491\u2013-\u203a\u20ac\u2116\u2122"
        "\u221a\xfc\u2202\u65a4"
    )
    return re.compile(f"[{heads}][{seconds}]")


@cache
def _traces() -> re.Pattern[str]:
    """Sequences that UTF-8 leaves in another character set and that no language writes.

    Every branch begins with a fixed set of characters, so that a search skips all other text quickly.
    """
    high = "".join(bytes([code]).decode("cp1252", "replace") for code in range(0x80, 0xC0)).replace("\ufffd", "")
    central = "".join(bytes([code]).decode("cp1250", "ignore") for code in range(0x80, 0xC0))
    more = f"\x80-\x9f{re.escape(''.join(set(central) - set(high)))}"
    after = f"[{re.escape(high)}{more}]"
    safe = f"[{re.escape(''.join(one for one in high if one not in _QUOTES and one != chr(0xA0)))}\x80-\x9f]"
    quote = f"[{_QUOTES}](?=[a-z\xdf-\xff])"
    cyrillic = "".join(bytes([code]).decode("cp1251", "ignore") for code in range(0x80, 0xC0))
    return re.compile(
        "|".join(
            (
                f"\xc3(?:{safe}|\xa0|{quote}|(?<=[a-z]\xc3){after})",
                f"[\u0102\u0139](?<=[a-z].){after}",
                f"\xe1[\xba\xbb]{safe}",
                "\xc2(?:[\xa0-\xaa\xac\xae-\xb1\xb4-\xb6\xb8-\xba\xbc-\xbf]|\xb7(?=[ a-z0-9])"
                "|[\xab\xbb](?=[a-z])|(?<=[a-z]\xc2)[\xb2\xb3])",
                f"[\xc4\xc5](?:(?<=[a-z].){safe}|{safe}(?=[a-z])|{quote})",
                f"\xe2(?:[\u20ac\u2020\u0153\u015b\u0161\u017e\u0152\x80-\x9f]|{safe}{after}|[{_QUOTES}]{safe})",
                f"\xef(?:\xb8|\xbb\xbf|\xbf\xbd|[\xb9\xbc\xbd]{after})",
                "[\xf0\u011f\u0111](?:\u0178|\x9f|\u017a)",
                *(
                    f"(?:{lead}{after}){{3}}"
                    for lead in ("[\xd0\xd1\u011e\u0110\u0143]", "[\xce\xcf\u010e]", "[\xd8-\xdb]", "\xd7")
                ),
                f"(?:[\xe0\xe1\xe3-\xed]{after}{after}){{2}}",
                "\xe3[\u20ac\u0192]",
                f"(?:[\u0420\u0421][{re.escape(cyrillic)}]){{3}}|\u0432\u0402[{re.escape(cyrillic)}]",
                "\u201a\xc4[\xf4\xfa\xf9\xee\xec\xf2\xb6\xa2]|\u221a[\xa9\xae\xba\xa7\xfc\u2202]",
                "\u951f\u65a4\u62f7",
            )
        )
    )
