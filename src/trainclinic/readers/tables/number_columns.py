"""Cells of text to columns of floats: in bulk where a block is regular, cell by cell where it is not."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.readers.grammars.numbers import printed_digits
from trainclinic.readers.tables.column_names import column_meaning, seconds_of
from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["number", "duration", "stamp", "text"]

_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
NOT_LOGGED = frozenset(("", "none", "null", "na", "n/a", "-", "--", "<na>", "#n/a"))
"""Cells that stand for nothing; `nan` is not one of them: it is a value."""


def regular_cells(text: str, separator: str, width: int) -> list[str] | None:
    r"""All cells of a block in reading order when every line has exactly `width`, else `None`.

    Args:
        text: Whole lines, without the end of the last one.
        separator: One ASCII character.
        width: Cells per line.
    """
    if '"' in text:
        cells = (text.count("\n") + 1) * width
        if text.count('"') != 2 * cells:  # not every cell in quotes: some may hold the separator
            return None
        text = text.replace('"', "")
    data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    ends = data == 10
    marks = ends | (data == ord(separator))
    kinds = np.append(ends[marks], True)
    if kinds.size % width:
        return None
    grid = kinds.reshape(-1, width)
    if not grid[:, -1].all() or grid[:, :-1].any():
        return None
    return text.replace("\n", separator).split(separator)


def floats_of(cells: Sequence[str], kind: Kind) -> tuple[NDArray[np.int64], NDArray[np.float64], list[int]]:
    """The numbers of one column.

    Args:
        cells: One cell per row.
        kind: What the column holds.

    Returns:
        Rows that hold a number, the numbers, and the rows whose cell is neither a number nor empty.
    """
    if kind == "number":
        try:
            return np.arange(len(cells)), np.fromiter(map(float, cells), np.float64, len(cells)), []
        except ValueError:
            pass
        filled = [row for row, cell in enumerate(cells) if cell]
        try:
            values = np.fromiter((float(cells[row]) for row in filled), np.float64, len(filled))
            return np.asarray(filled, np.int64), values, []
        except ValueError:
            pass
    if kind == "duration" and (clocks := _clocks(cells)) is not None:
        return np.arange(len(cells)), clocks, []
    rows, numbers, wrong = [], [], []
    for row, cell in enumerate(cells):
        value = value_of(cell, kind)
        if value is not None:
            rows.append(row)
            numbers.append(value)
        elif cell.strip().lower() not in NOT_LOGGED:
            wrong.append(row)
    return np.asarray(rows, np.int64), np.asarray(numbers, np.float64), wrong


def _clocks(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Seconds of a column of `H:MM:SS` alone, `None` when any cell is something else."""
    parts = [cell.split(":") for cell in cells]
    if set(map(len, parts)) != {3}:
        return None
    try:
        return np.array([int(h) * 3600 + int(m) * 60 + float(s) for h, m, s in parts], dtype=np.float64)
    except ValueError:
        return None


def value_of(cell: str, kind: Kind) -> float | None:
    """The number in one cell, `None` when there is none: `2.1`, `1,234`, `nan`, `0:01:34`, `2024-05-01 12:00:00`."""
    text = cell.strip().strip("'\"").strip()
    try:
        return float(text)
    except ValueError:
        pass
    if _THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    if kind == "duration":
        return seconds_of(text)
    return _stamp(text) if kind == "stamp" else None


def as_number(value: object) -> float | None:
    """A parsed value as a float, text included; `None` for booleans, words and containers."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def printed_like(sample: Sequence[str], column: str) -> Printed:
    """How exact the numbers of a column are shown; single precision printed as doubles is told from doubles.

    A learning rate such as `0.0001` is short because it is a round number, not because it was rounded: it counts as
    exact unless zeros at the end, or different rates of equal length, show a fixed number of digits.
    """
    printed = printed_digits(sample)
    if printed.kind == "fixed" and column_meaning(column).name == "train/learning_rate":
        ends = {len(cell.partition(".")[2]) for cell in sample if "." in cell}
        padded = any(cell.endswith("0") and not cell.endswith(".0") for cell in sample if "." in cell)
        return printed if padded or (len(ends) == 1 and len(set(sample)) > 1) else Printed()
    filled = [value for cell in sample if (value := value_of(cell, "number")) is not None and math.isfinite(value)]
    fractions = [value for value in filled if value != int(value)]
    if printed == Printed() and fractions and all(_is_single(value) for value in fractions):
        return Printed("float32")
    return printed


def _is_single(value: float) -> bool:
    """Whether single precision holds the value exactly: a chance of 2**-29 for a double that was never single."""
    return abs(value) < 3e38 and struct.unpack("f", struct.pack("f", value))[0] == value


def kind_of(sample: Sequence[str]) -> Kind:
    """What a column holds, judged from some of its cells."""
    filled = [cell for cell in sample if cell.strip().lower() not in NOT_LOGGED]
    if not filled or any(value_of(cell, "number") is not None for cell in filled):
        return "number"
    if all(seconds_of(cell) is not None for cell in filled):
        return "duration"
    return "stamp" if all(_stamp(cell) is not None for cell in filled) else "text"


def _stamp(text: str) -> float | None:
    """Seconds since 1970 of an ISO date and time; a time without a zone is taken as UTC."""
    try:
        when = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("/", "-"))
        return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None
