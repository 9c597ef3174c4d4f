"""A line of a report, and what it was found to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

NUMBER = r"(?:(?<![\d,])[-+]?(?:\d[\d,]{0,24}(?:\.\d{0,24})?|\.\d{1,24})(?:e[-+]?\d{1,3})?|[-+]?(?:nan|inf)(?![a-z]))"
"""A number inside a larger expression (compiled without regard to case); never a part of a longer row of digits."""
NOT_FINITE = r"\b(?:non-?finite|nans?|infs?|infinite)\b"
"""Words for a value that is no number (compiled without regard to case)."""
_PAIR = rf"['\"]?([a-z][\w./ -]{{0,40}}?)['\"]?\s*(?:[:=]|\s)\s*['\"]?({NUMBER}|true|false)(?![\w.])"


class Line(NamedTuple):
    """A line with its number in the file."""

    number: int
    text: str


class Claim(NamedTuple):
    """What a report says.

    Attributes:
        kind: A name of `vocabulary.EVENTS`.
        says: The line, or the two lines that are compared.
        line: Where it stands.
        value: The number that it is about.
    """

    kind: str
    says: str
    line: int
    value: float | None = None


@lru_cache(maxsize=256)
def pattern(expression: str) -> re.Pattern[str]:
    """The compiled expression, without regard to case; compiled when a line first asks for it."""
    return re.compile(expression, re.I)


def number_of(text: str) -> float:
    """The number that was matched by `NUMBER`; `true` and `false` are 1 and 0."""
    lowered = text.lower()
    if lowered in {"true", "false"}:
        return float(lowered == "true")
    return float(text.replace(",", "").rstrip("."))


def pairs(text: str) -> Iterator[tuple[str, float]]:
    """Names, in lower case, and numbers of a line in the usual spellings: `a=1`, `a: 1`, `"a": 1`, `a 1`."""
    for found in pattern(_PAIR).finditer(text):
        yield found[1].strip().lower().replace(" ", "_").replace("-", "_"), number_of(found[2])


def shortened(text: str, limit: int = 160) -> str:
    """The text on one line and not longer than that."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
