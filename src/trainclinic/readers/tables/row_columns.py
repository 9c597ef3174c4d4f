"""Columns from rows of JSON: fast where rows look alike, careful where they do not.

It knows which JSON values are numbers (also as text: `"nan"`, `"2e-5"`), and no key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.fragment import Column
from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.tables.json_array import Piece

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

LARGEST_STEP = 2.0**53
"""Above it, a float cannot tell one step from the next."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Rows of one piece that have the same keys.

    Attributes:
        keys: Their keys, in order.
        index: Their places among all rows of the array, `[n]`.
        line: Line of the opening brace, `[n]`.
        value_lines: Whether each value stands on a line of its own below the brace.
        columns: The values by key, each of length n.
    """

    keys: tuple[str, ...]
    index: Integers
    line: Integers
    value_lines: bool
    columns: dict[str, tuple[Any, ...]]

    def line_of(self, key: str) -> Integers:
        """The line that shows the value of `key` in each row."""
        return self.line + 1 + self.keys.index(key) if self.value_lines else self.line


def alike_rows(piece: Piece, first_index: int) -> list[Alike]:
    """The rows of a piece, grouped by their keys."""
    groups: dict[tuple[str, ...], list[int]] = {}
    shapes = list(map(tuple, piece.rows))
    if shapes and shapes.count(shapes[0]) == len(shapes):
        groups[shapes[0]] = list(range(len(shapes)))
    else:
        for number, shape in enumerate(shapes):
            groups.setdefault(shape, []).append(number)
    out = []
    for keys, numbers in groups.items():
        places = np.array(numbers, dtype=np.int64)
        flat = tuple(chain.from_iterable(piece.rows[number].values() for number in numbers))
        values = [flat[at :: len(keys)] for at in range(len(keys))]
        out.append(
            Alike(
                keys=keys,
                index=first_index + places,
                line=piece.line[places],
                value_lines=bool((piece.height[places] == len(keys) + 1).all()),
                columns=dict(zip(keys, values, strict=True)),
            )
        )
    return out


def numbers_in(values: Sequence[Any]) -> tuple[Floats, NDArray[np.bool_]]:
    """Values as floats, and which of them are numbers at all: text that reads as a number is one, `None` is none."""
    kinds = set(map(type, values))
    if kinds <= {float, int}:
        try:
            return np.array(values, dtype=np.float64), np.ones(len(values), dtype=bool)
        except OverflowError:
            pass
    found = [_number(value) for value in values]
    mask = np.array([value is not None for value in found], dtype=bool)
    return np.array([0.0 if value is None else value for value in found], dtype=np.float64), mask


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return float("inf") if isinstance(value, int) and value > 0 else float("-inf")


@dataclass(slots=True)
class GrowingColumn:
    """A column that is collected in parts, possibly out of order."""

    index: list[Integers] = field(default_factory=list)
    step: list[Integers] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)
    line: list[Integers] = field(default_factory=list)

    def add(self, index: Integers, step: Integers, value: Floats, line: Integers) -> None:
        """Append rows, `[n]` each."""
        self.index.append(index)
        self.step.append(step)
        self.value.append(value)
        self.line.append(line)

    def finish(self, rounded_to: int | None = None, factor: float = 1.0) -> Column:
        """The column in the order of the rows.

        Args:
            rounded_to: Decimals that some versions of the writer round this column to; taken when the values agree.
            factor: What the values are multiplied with to be in the column's unit.
        """
        index = np.concatenate(self.index)
        order = np.argsort(index, kind="stable")
        value = np.concatenate(self.value)[order]
        return Column(
            step=np.concatenate(self.step)[order],  # type: ignore[arg-type]
            value=value if factor == 1.0 else value * factor,  # type: ignore[arg-type]
            line=np.concatenate(self.line)[order],  # type: ignore[arg-type]
            printed=_printed(value, rounded_to),
        )


def _printed(value: Floats, rounded_to: int | None) -> Printed:
    finite = value[np.isfinite(value)]
    if rounded_to is None or not finite.size or not bool((np.round(finite, rounded_to) == finite).all()):
        return Printed()
    return Printed("fixed", rounded_to)
