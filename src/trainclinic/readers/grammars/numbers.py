"""Numbers as logs print them: digits, thousands, NaN, clocks, durations with units; and how exact they are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBER = (
    r"[-+]?(?:\d[\d,_]*\d|\d)(?:\.\d*)?(?:[eE][-+]?\d+)?|"
    r"[-+]?\.\d+(?:[eE][-+]?\d+)?|"
    r"[-+]?(?<!of )(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?)(?![A-Za-z_/])"
)
"""A number anywhere in a line; NaN and inf in the spellings of Python, numpy, torch and C."""

FEWEST_ROUNDED = 8
"""So many floats with at most four decimals in a dictionary were rounded; fewer may be round by chance."""
_STAMP = re.compile(
    r"(?:(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})|(?P<first>\d\d)/(?P<middle>\d\d)/(?P<last>\d{4}))"
    r"[T ](?P<clock>\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)"
)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)", re.I)
_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_EPOCH_START = np.datetime64("1970-01-01T00:00:00", "ms")


def plain_number(text: str) -> float | None:
    """The number that `text` shows, commas and underscores between digits ignored; `None` when it is none."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text.replace(",", "").replace("_", ""))
    except ValueError:
        return None


def clock_seconds(text: str) -> float | None:
    """Seconds of `12:16`, `14:12:16` or `1:02:03.5`; `None` for `?`."""
    seconds = 0.0
    try:
        for part in text.split(":"):
            seconds = seconds * 60.0 + float(part)
    except ValueError:
        return None
    return seconds


def duration_seconds(text: str) -> float | None:
    """Seconds of `2h 3m 26s`, `1 day 4 hours`; `None` when no part has a unit."""
    parts = _DURATION_PART.findall(text)
    return sum(float(amount) * _SECONDS[unit[0].lower()] for amount, unit in parts) if parts else None


def stamp_seconds(texts: Sequence[str]) -> NDArray[np.float64]:
    """Seconds since 1970 of time stamps without a zone, `[n]`; NaN for those that are no date.

    Args:
        texts: `2024-06-17 14:43:20,907`, `2024-06-17T14:43:20.907` or `12/11/2023 05:14:10` (month first).
    """
    stamps = np.array([_iso(text) for text in texts], dtype="datetime64[ms]")
    return np.asarray((stamps - _EPOCH_START) / np.timedelta64(1, "s"), dtype=np.float64)


def _iso(text: str) -> str:
    """The stamp as ISO 8601 writes it, without what stands behind the time of day; `NaT` for what is no date."""
    found = _STAMP.match(text)
    if found is None:
        return "NaT"
    month_first = found["year"] is None
    year, month, day = found.group("last", "first", "middle") if month_first else found.group("year", "month", "day")
    iso = f"{year}-{int(month):02}-{int(day):02}T{found['clock'].replace(',', '.')}"
    try:
        datetime.fromisoformat(iso[:19])
    except ValueError:
        return "NaT"
    return iso


def printed_digits(samples: Sequence[str], *, quoted: bool = False, in_dictionary: bool = False) -> Printed:
    """How exact the numbers of a column are shown, judged by their texts.

    Equal decimals (`9.2270`, `6.9544`) are `fixed`; equal significant digits with an exponent (`2.00e-05`) are
    `significant`. Up to four decimals that vary only because trailing zeros fell away (`1.38`, `1.4127`, as Python
    prints rounded floats) are `fixed` too. Everything else is the shortest form of a double: exact.

    Args:
        samples: Texts of numbers, NaN included.
        quoted: The column stands in quotes, as transformers 5 writes it: four significant digits.
        in_dictionary: Python printed the floats of a dictionary: trailing zeros are missing, so few values tell little.
    """
    texts = [text for text in samples if text[-1:].isdigit() and any(c in text for c in ".eE")]
    if quoted:
        return Printed("significant", 4)
    if not texts:
        return Printed()
    with_exponent = [text.lower().partition("e")[0] for text in texts if "e" in text.lower()]
    if with_exponent:
        digits = {sum(c.isdigit() for c in mantissa) for mantissa in with_exponent}
        same = len(digits) == 1 and len(with_exponent) == len(texts)
        return (
            Printed("significant", digits.pop()) if same and "." in with_exponent[0] and len(texts) > 1 else Printed()
        )
    decimals = [len(text) - text.index(".") - 1 for text in texts]
    if in_dictionary and (len(texts) < FEWEST_ROUNDED or max(decimals) < 2):
        return Printed()
    if max(decimals) <= 4 or (len(set(decimals)) == 1 and max(decimals) <= 8):
        return Printed("fixed", max(decimals))
    return Printed()


def is_whole(values: NDArray[np.float64]) -> bool:
    """Whether all values are finite whole numbers that fit a step counter."""
    return bool(np.isfinite(values).all() and (np.abs(values) < 1e15).all() and (values == np.floor(values)).all())
