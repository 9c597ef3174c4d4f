"""The layout of a row: fixed text with holes for numbers. Learned from one line, then matched against a million.

A grammar looks at a line that no known layout matches and, when it is a row, says where its numbers stand and what they
mean (`Hole`). From that a regular expression is built in which everything else of the line is fixed text, except that
other digits and the amount of white space may vary. Rows of equal meaning share one `Table`, whatever their spelling.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.readers.grammars.numbers import (
    clock_seconds,
    duration_seconds,
    plain_number,
    printed_digits,
    stamp_seconds,
)
from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

Role = Literal["value", "step", "total", "epoch", "epochs", "rank", "stamp"]
RowKind = Literal["row", "train", "eval", "summary", "bar", "block", "place"]
Shape = Literal["number", "commas", "clock", "duration", "stamp", "digits"]

_SHAPES: dict[Shape, str] = {
    "number": r"([-+.\dEINTYaefinty]+)",
    "commas": r"([-+.,_\deE]*\d)",
    "clock": r"([\d:.?]+)",
    "duration": r"(\d[\d.]*\s?[a-zA-Z]+(?:[ ,:]{0,2}\d[\d.]*\s?[a-zA-Z]+)*)",
    "stamp": r"(\d+[-/]\d+[-/]\d+[T ]\d+:\d+:\d+(?:[.,]\d+)?)",
    "digits": r"(\d+)",
}
_FIXED = re.compile(r"(\s+)|(\|[^|\[\]]*\|(?= ?\d+/))|(\d+)|([^\s\d|]+|\|)")
SAMPLES_PER_BLOCK = 64
TRAINER_LOSS_DECIMALS = 4
"""`Trainer._maybe_log_save_evaluate` of transformers 4 rounds the mean loss to four decimals."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One number of a row.

    Attributes:
        begin: Where its text begins in the line it was learned from.
        end: Where it ends.
        role: What the number is for.
        name: Canonical or own name of a value; empty for other roles.
        shape: How its text looks.
        scale: Factor from the printed unit to `unit`.
        unit: Unit of the value when it differs from the vocabulary's.
        quoted: Whether the number stands in quotes.
    """

    begin: int
    end: int
    role: Role
    name: str = ""
    shape: Shape = "number"
    scale: float = 1.0
    unit: str = ""
    quoted: bool = False

    @property
    def meaning(self) -> tuple[str, str, float, str, bool]:
        """What distinguishes columns of a table; where the number stood is not part of it."""
        return (self.role, self.name, self.scale, self.unit, self.quoted)


@dataclass(slots=True)
class Table:
    """The rows of one meaning, as numbers.

    Attributes:
        kind: What kind of row: `row`, `block` and `place` of loops, `train`, `eval`, `summary` dictionaries, or `bar`.
        holes: Meaning of the columns.
        order: Position of each row in the file, counting every piece of text, in chunks.
        line: Line of each row, in chunks.
        columns: Values of each hole, in chunks; NaN where the log says NaN or the text was no number.
        samples: Some texts of each hole, to see how many digits the log shows.
        bad: Texts that stood in a hole and were no numbers.
    """

    kind: RowKind
    holes: tuple[Hole, ...]
    order: list[Integers] = field(default_factory=list)
    line: list[Integers] = field(default_factory=list)
    columns: list[list[Floats]] = field(default_factory=list)
    samples: list[list[str]] = field(default_factory=list)
    bad: int = 0

    def __post_init__(self) -> None:
        """Make one list of chunks for each hole."""
        self.columns = [[] for _ in self.holes]
        self.samples = [[] for _ in self.holes]

    def add(
        self,
        texts: Sequence[tuple[str, ...]],
        order: NDArray[np.int64],
        line: NDArray[np.int64],
        shapes: Sequence[Shape],
    ) -> None:
        """Append rows given as texts, one tuple per row."""
        self.order.append(order)
        self.line.append(line)
        for column, samples, shape, hole, column_texts in zip(
            self.columns, self.samples, shapes, self.holes, zip(*texts, strict=True), strict=False
        ):
            values, bad = _numbers(column_texts, shape)
            self.bad += bad
            if hole.scale != 1.0:
                # 58.39 ms / 1000 is the float nearest to 0.05839; 58.39 * 0.001 is not.
                values = values / (1.0 / hole.scale) if hole.scale < 1.0 else values * hole.scale
            column.append(values)
            if len(samples) < 16 * SAMPLES_PER_BLOCK:
                samples.extend(column_texts[:SAMPLES_PER_BLOCK])


def shown_digits(samples: Sequence[str], hole: Hole, kind: RowKind) -> Printed:
    """How exact the values of a hole are, in the unit they are kept in."""
    if hole.shape in {"clock", "duration", "stamp"}:
        return Printed("fixed", 3 if hole.shape == "stamp" else 0)
    printed = printed_digits(samples, quoted=hole.quoted, in_dictionary=kind in {"train", "eval", "summary"})
    if (
        kind == "train"
        and hole.name == "train/loss"
        and not hole.quoted
        and _decimals(samples) <= TRAINER_LOSS_DECIMALS
    ):
        return Printed("fixed", TRAINER_LOSS_DECIMALS)
    if printed.kind != "fixed" or hole.scale == 1.0:
        return printed
    # A tenth of a minute is 6 s: rounded towards the coarser power of ten, so that no value looks too exact.
    return Printed("fixed", math.floor(printed.digits - math.log10(hole.scale) + 1e-9))


def _decimals(samples: Sequence[str]) -> int:
    return max((len(text.partition(".")[2]) for text in samples), default=0)


def _numbers(texts: Sequence[str], shape: Shape) -> tuple[Floats, int]:
    """Values of one column and how many of its texts are no numbers."""
    if shape == "stamp":
        return stamp_seconds(texts), 0
    if shape in {"clock", "duration"}:
        parse = clock_seconds if shape == "clock" else duration_seconds
        found = [parse(text) for text in texts]
        return np.array([np.nan if value is None else value for value in found]), 0
    try:
        return np.fromiter(map(float, texts), np.float64, len(texts)), 0
    except ValueError:
        numbers = [plain_number(text) for text in texts]
        bad = sum(value is None for value in numbers)
        return np.array([np.nan if value is None else value for value in numbers]), bad


class Layout:
    """A row's spelling: the expression that matches it, and the table that its numbers go to.

    Args:
        text: The line it is learned from.
        holes: Its numbers, in the order of the line.
        table: Where they go.
    """

    def __init__(self, text: str, holes: Sequence[Hole], table: Table) -> None:
        self.table = table
        self.shapes = [hole.shape for hole in holes]
        self.source = _expression(text, holes)
        self._begin = _fixed(text[: holes[0].begin])
        # The empty last group makes `findall` return tuples even for one hole; `zip` with the holes drops it.
        self.match = re.compile(self.source + r"()[ \t]*").fullmatch
        self.find_lines = re.compile(rf"^{self.source}()[ \t]*$", re.M).findall
        self.begins = re.compile(self._begin).match if len(self._begin) > 3 else None
        self.hits = 0


def _expression(text: str, holes: Sequence[Hole]) -> str:
    parts = []
    position = 0
    for hole in holes:
        parts.append(_fixed(text[position : hole.begin], text[position - 1 : position]))
        parts.append(_SHAPES[hole.shape])
        position = hole.end
    parts.append(_fixed(text[position:].rstrip(), text[position - 1 : position]))
    return "".join(parts)


def _fixed(text: str, before: str = "") -> str:
    """An expression for fixed text: the bar of a progress bar, white space and free-standing digits may vary."""
    parts = []
    for space, drawn_bar, digits, other in _FIXED.findall(text):
        if space:
            parts.append("[ \t]+")
        elif drawn_bar:
            parts.append(r"\|[^|\[\]]*\|")
        elif digits:
            parts.append(digits if before[-1:].isalpha() or before[-1:] == "_" else r"\d+")
        else:
            parts.append(re.escape(other))
        before = space or digits or other or drawn_bar
    return "".join(parts)
