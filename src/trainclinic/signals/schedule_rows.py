"""The learning-rate rows of a run as a schedule fit needs them, and the round numbers that people choose.

This module knows how exact a logged learning rate is. It knows no schedule shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

EXACT = 1e-9
"""Relative error left in a double that went through a handful of operations and shortest-repr printing."""
SINGLE = 1e-6
"""Relative error of a value that was held in single precision while it was computed."""
MOST_STEPS, MOST_RATE = 1e12, 1e6
"""Beyond these a row is damage: no run is that long, and no optimizer takes such a rate."""
MOST_SHORT_DIGITS = 8
"""A column whose every value needs no more significant digits than this was rounded by its logger."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Learning rates, one row a step, ascending.

    Attributes:
        step: Steps, `[n]`.
        value: Learning rates, finite, `[n]`.
        tolerance: Largest distance of the true value from the logged one, `[n]`.
    """

    step: Integers
    value: Floats
    tolerance: Floats

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.step.size)

    @property
    def top(self) -> float:
        """The highest logged value."""
        return float(self.value.max())

    @property
    def is_exact(self) -> bool:
        """Whether rounding is so small that integers can be told from the values alone."""
        positive = self.value > 0
        return bool(np.all(self.tolerance[positive] <= 2 * SINGLE * self.value[positive]))

    @property
    def rising(self) -> int:
        """Number of leading rows below the first highest one."""
        return int(np.argmax(self.value >= self.top - self._same()))

    @property
    def level(self) -> int:
        """Number of rows at the top, from the first of them on without a gap."""
        below = np.flatnonzero(self.value[self.rising :] < self.top - self._same())
        return int(below[0]) if below.size else len(self) - self.rising

    def _same(self) -> float:
        return 1e-9 * self.top + 0.5 * float(self.tolerance[int(np.argmax(self.value))])

    def take(self, index: Integers) -> Rows:
        """The rows with these indices."""
        return Rows(self.step[index], self.value[index], self.tolerance[index])

    def thinned(self, most: int) -> Rows:
        """At most `most` rows: both ends, the surroundings of the top, and evenly spaced ones between."""
        if len(self) <= most:
            return self
        corner = np.arange(self.rising - 2, self.rising + self.level + 2).clip(0, len(self) - 1)
        corner = corner if corner.size <= 8 else np.concatenate((corner[:4], corner[-4:]))
        even = np.linspace(0, len(self) - 1, most - corner.size).round().astype(np.int64)
        return self.take(np.unique(np.concatenate((corner, even))))


def rows_of(series: Series) -> Rows | None:
    """Rows of the history that the run ended with; `None` when none is finite and positive."""
    final = series.final().finite()
    final = final.where((np.abs(final.step) < MOST_STEPS) & (np.abs(final.value) < MOST_RATE))
    if not len(final) or not float(final.value.max()) > 0.0:
        return None
    return Rows(final.step, final.value, tolerance_of(final))


def tolerance_of(series: Series) -> Floats:
    """How far the true value may lie from each logged one, `[n]`.

    Half a unit of the printed digits; where the reader took the digits for exact, a column of short numbers only
    (`1.79e-05`) is still taken as rounded, and single-precision values get the error of single precision.
    """
    value = np.abs(series.value)
    half = series.half_unit()
    if series.printed.kind == "full":
        sample = value[np.linspace(0, value.size - 1, min(value.size, 200)).astype(np.int64)]
        short = _short_digits(sample[sample > 0])
        if short is not None:
            digits, places = short
            exponent = np.floor(np.log10(np.where(value > 0, value, 1.0)))
            half = np.maximum(0.5 * 10.0 ** (exponent - digits + 1), 0.5 * 10.0**-places)
            half[value == 0] = 0.5 * 10.0**-places
        elif np.array_equal(sample, sample.astype(np.float32).astype(np.float64)):
            half = SINGLE * value
    elif series.printed.kind == "float32":
        half = np.maximum(half, SINGLE * value)
    return np.asarray(half * (1 + 1e-9) + EXACT * value, dtype=np.float64)


def _short_digits(sample: Floats) -> tuple[int, int] | None:
    """The most significant digits and decimal places in use, or `None` when a value needs many or all are alike."""
    if np.unique(sample).size < 3:
        return None
    digits = places = 0
    for number in sample.tolist():
        mantissa, _, exponent = f"{number!r}".lower().partition("e")
        whole, _, fraction = mantissa.partition(".")
        fraction = "" if fraction == "0" else fraction
        digits = max(digits, len((whole + fraction).strip("0")))
        places = max(places, len(fraction) - int(exponent or 0))
        if digits > MOST_SHORT_DIGITS:
            return None
    return digits, places


@cache
def round_numbers() -> NDArray[np.int64]:
    """Step counts that people write: up to two significant digits, and multiples of 25 up to 10,000, ascending."""
    two_digits = {m * 10**k for m in range(1, 100) for k in range(6)}
    return np.array(sorted({0, *two_digits, *range(25, 10_001, 25)}), dtype=np.int64)


def round_between(low: float, high: float) -> Integers:
    """The round numbers in `[low, high]`, ascending."""
    numbers = round_numbers()
    first, last = np.searchsorted(numbers, [math.ceil(low - 1e-9), math.floor(min(high, 1e15) + 1e-9) + 1])
    return numbers[int(first) : int(last)]


def round_peaks(low: float, high: float) -> list[float]:
    """Learning rates of at most two significant digits in `[low, high]`, fewest digits first."""
    if not 0.0 < low <= high:
        return []
    exponent = math.floor(math.log10(low))
    found = [float(f"{m}e{e}") for e in (exponent - 1, exponent) for m in range(10, 100)]
    inside = sorted({value for value in found if low <= value <= high})
    return sorted(inside, key=lambda value: len(f"{value:.1e}".partition("e")[0].strip("0.").replace(".", "")))
