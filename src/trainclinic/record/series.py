"""One logged quantity over steps, as numpy columns that remember their lines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.record.source import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Printed:
    """How many digits of a value the log shows, so that a reader of it knows how exact the number can be.

    Attributes:
        kind: `fixed` (digits after the point), `significant` (significant digits), `float32` or `full` (shortest
            repr of a double: exact).
        digits: The number of digits for `fixed` and `significant`.
    """

    kind: Literal["fixed", "significant", "float32", "full"] = "full"
    digits: int = 0

    def half_unit(self, value: Floats) -> Floats:
        """Half of one unit in the last shown digit, for each value, shape `[n]`; the true value lies within it.

        Zero for `full`. For `float32` it is half the spacing of single precision (relative 2**-24).
        """
        magnitude = np.abs(np.where(np.isfinite(value), value, 0.0))
        if self.kind == "fixed":
            return np.full(value.shape, 0.5 * 10.0**-self.digits)
        if self.kind == "float32":
            return np.asarray(magnitude * 2.0**-24, dtype=np.float64)
        if self.kind == "significant":
            exponent = np.floor(np.log10(np.where(magnitude > 0, magnitude, 1.0)))
            return np.asarray(0.5 * 10.0 ** (exponent - self.digits + 1), dtype=np.float64)
        return np.zeros(value.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One quantity over steps; a logged NaN stays NaN, and a value that was not logged has no row.

    Rows are ordered by (`segment`, `step`). A new segment begins where the log goes back to a step that it has already
    passed (a resume that overlaps), so both versions of the overlap are kept.

    Attributes:
        name: Canonical name (`train/loss`) or, for a column we have no name for, the column's own name.
        unit: Unit of the value, e.g. `nats/token`, `s`, `steps/s`, `1`; empty when unknown.
        step: Optimizer step (or epoch or row number: see `RunRecord.axis`), int64 `[n]`.
        value: Logged values, NaN and inf kept, float64 `[n]`.
        line: Line in its file, counted from 1, 0 when lines mean nothing, int32 `[n]`.
        segment: 0 until the first overlap, then 1, 2 ..., int32 `[n]`.
        file: Index into `files` for each row, int32 `[n]`.
        files: Files the rows were read from.
        printed: How many digits the log shows.
    """

    name: str
    unit: str
    step: Integers
    value: Floats
    line: NDArray[np.int32]
    segment: NDArray[np.int32]
    file: NDArray[np.int32]
    files: tuple[str, ...]
    printed: Printed = Printed()

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.step.size)

    def source(self, row: int) -> Source:
        """Where row `row` (may be negative) was read."""
        line = int(self.line[row])
        return Source(self.files[int(self.file[row])], line or None)

    def half_unit(self) -> Floats:
        """Half a unit in the last printed digit of each value, `[n]`; 0 where values are exact."""
        return self.printed.half_unit(self.value)

    def where(self, mask: NDArray[np.bool_]) -> Series:
        """The rows where `mask` (`[n]`) is true, with everything they remember."""
        return replace(
            self,
            step=self.step[mask],
            value=self.value[mask],
            line=self.line[mask],
            segment=self.segment[mask],
            file=self.file[mask],
        )

    def final(self) -> Series:
        """The history that the run ended with: after an overlap the later segment wins; steps strictly ascend."""
        if not len(self) or int(self.segment[-1]) == 0:
            return self
        keep = np.ones(len(self), dtype=bool)
        limit = np.iinfo(np.int64).max
        for number in range(int(self.segment[-1]), -1, -1):
            rows = self.segment == number
            keep[rows] &= self.step[rows] < limit
            if rows.any():
                limit = min(limit, int(self.step[rows].min()))
        return self.where(keep)

    def finite(self) -> Series:
        """The rows with a finite value."""
        mask = np.isfinite(self.value)
        return self if bool(mask.all()) else self.where(mask)

    def row_at(self, step: int) -> int | None:
        """Index of the last row logged for `step`, or `None`."""
        rows = np.flatnonzero(self.step == step)
        return int(rows[-1]) if rows.size else None

    def source_at(self, step: int) -> Source | None:
        """Where the last value logged for `step` was read, or `None` when that step has no row."""
        row = self.row_at(step)
        return None if row is None else self.source(row)

    def at(self, step: int) -> float | None:
        """The last value logged for `step`, or `None` when that step has no row."""
        row = self.row_at(step)
        return None if row is None else float(self.value[row])


def make_series(
    name: str,
    step: object,
    value: object,
    *,
    unit: str = "",
    line: object = None,
    file: object = None,
    files: tuple[str, ...] = ("<memory>",),
    printed: Printed = Printed(),
) -> Series:
    """Build a series from rows in the order they were logged.

    Orders rows by (segment, step); within one segment each step occurs once (see `number_segments`).

    Args:
        name: Canonical name.
        step: Integers, `[n]`, in logged order.
        value: Floats, `[n]`.
        unit: Unit of `value`.
        line: Line numbers, `[n]`; zeros when absent.
        file: Index into `files`, `[n]`; zeros when absent.
        files: File names.
        printed: Digits that the log shows.
    """
    steps = np.asarray(step, dtype=np.int64).reshape(-1)
    values = np.asarray(value, dtype=np.float64).reshape(-1)
    count = steps.size
    lines = np.zeros(count, np.int32) if line is None else np.asarray(line, dtype=np.int32).reshape(-1)
    owner = np.zeros(count, np.int32) if file is None else np.asarray(file, dtype=np.int32).reshape(-1)
    segment = number_segments(steps)
    order = np.lexsort((steps, segment))
    return Series(name, unit, steps[order], values[order], lines[order], segment[order], owner[order], files, printed)


def number_segments(step: Integers) -> NDArray[np.int32]:
    """Number the passes over the step axis: going back over covered ground begins a new one.

    Rows that are merely out of order (every step once, in no particular order, or whole parts swapped) stay one pass.

    Args:
        step: Steps in logged order, `[n]`.

    Returns:
        Segment of each row, int32 `[n]`, starting at 0.
    """
    segment = np.zeros(step.size, np.int32)
    descents = np.flatnonzero(np.diff(step) <= 0) + 1
    if not descents.size or _fills_its_own_holes(step):
        return segment
    if descents.size > step.size // 4 + 1:
        return _segments_by_repetition(step)
    number, low, high = 0, int(step[0]), int(step[descents[0] - 1])
    for begin, end in zip(descents.tolist(), [*descents[1:].tolist(), step.size], strict=True):
        first, last = int(step[begin]), int(step[end - 1])
        if last < low or first > high:
            low, high = min(low, first), max(high, last)
        else:
            number, low, high = number + 1, first, last
        segment[begin:end] = number
    return segment


def _fills_its_own_holes(step: Integers) -> bool:
    """Whether rows are merely out of order: each step once, and none nearer to another than neighbours in the log are.

    A second pass repeats steps of the first one, or logs between them.
    """
    gaps = np.diff(np.sort(step))
    logged = np.diff(step)
    ascents = logged[logged > 0]
    return bool(ascents.size and gaps.min() > 0 and gaps.min() >= ascents.min())


def _segments_by_repetition(step: Integers) -> NDArray[np.int32]:
    """Segments of a log in no order: only a step that the current segment already holds begins a new one."""
    segment = np.zeros(step.size, np.int32)
    seen: set[int] = set()
    number = 0
    for row, current in enumerate(step.tolist()):
        if current in seen:
            number += 1
            seen = set()
        seen.add(current)
        segment[row] = number
    return segment
