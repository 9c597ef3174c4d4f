"""How numbers read in sentences: the same everywhere, in findings, tables and charts."""

from __future__ import annotations

import math
from collections.abc import Sequence

_ABBREVIATIONS = {"nan": "NaN", "gpu": "GPU", "eval": "evaluation", "apple": "Apple", "amd": "AMD"}


def number(value: float, digits: int = 4) -> str:
    """A number with `digits` significant digits: `2.231`, `14,580`, `1.55e-05`, `nan`; integers below 1e15 in full.

    Args:
        value: Any float, NaN and inf included.
        digits: Significant digits for values that are not whole.
    """
    if not math.isfinite(value):
        return f"{value:g}"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if 1e-3 <= abs(value) < 1e6:
        places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        return f"{value:,.{places}f}"
    return f"{value:.{digits - 1}e}"


def percent(share: float) -> str:
    """A share as a percentage with two significant digits: `24 %`, `0.87 %`."""
    value = 100.0 * share
    return f"{value:.0f} %" if abs(value) >= 10 or value == 0 else f"{value:.2g} %"


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.8 s`, `47 s`, `23.6 min`, `2 h 41 min`, `3 d 4 h`."""
    if not math.isfinite(seconds):
        return f"{seconds:g} s"
    if abs(seconds) < 10:
        return f"{seconds:.2g} s"
    if abs(seconds) < 120:
        return f"{seconds:.0f} s"
    if abs(seconds) < 3600:
        return f"{seconds / 60:.1f} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h"


def count(amount: int, noun: str) -> str:
    """`1 row`, `3 rows`, `12,000 rows`."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def inside(title: str) -> str:
    """A title as it stands inside a sentence: its first letter small, unless the first word is a name."""
    first = title.partition(" ")[0]
    return title if any(mark.isupper() or mark.isdigit() for mark in first[1:]) else title[:1].lower() + title[1:]


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def words(slug: str) -> str:
    """A slug as words, abbreviations as the field writes them."""
    return " ".join(_ABBREVIATIONS.get(word, word) for word in slug.split("-"))
