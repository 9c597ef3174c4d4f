"""Where ticks go and what they say, on linear and logarithmic axes. `report.js` holds the same rules for zooming."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from trainclinic.report.chart import Scale

PADDING = 0.06
"""Free share of the height above the highest and below the lowest value."""
SMALLEST_SPAN = 1e-290
"""Narrower windows cannot be halved in double precision."""

LARGEST = 1e100
"""Values beyond are drawn at the edge; an axis for them would show nothing else."""
SMALLEST_SHARE = 1e-18
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis in data units.

    Attributes:
        low: Value at the lower or left end.
        high: Value at the upper or right end.
        scale: `linear` or `log`.
    """

    low: float
    high: float
    scale: Scale = "linear"

    def share(self, value: float) -> float:
        """Position of a value between the ends, clamped to 0 ... 1; what a log axis cannot show lies at its low end."""
        if self.scale == "log":
            if value <= self.low:
                return 0.0
            position = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            position = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, position))

    def ticks(self, wanted: int) -> list[float]:
        """About `wanted` round values inside the axis; a log axis too narrow for two of its own takes even ones."""
        on_log = _log_ticks(self.low, self.high, wanted) if self.scale == "log" else []
        return on_log if len(on_log) > 1 else _ticks(self.low, self.high, wanted)

    def whole_ticks(self, wanted: int) -> list[float]:
        """Those that are whole numbers: between two steps there is none."""
        return [tick for tick in self.ticks(wanted) if tick == round(tick)]


def value_axis(values: Iterable[float], scale: Scale, *, from_zero: bool = False) -> Axis:
    """An axis that shows all finite values with some air; a constant gets a window around it."""
    finite = [value for value in values if abs(value) <= LARGEST and (scale == "linear" or value > 0)]
    if not finite:
        return Axis(0.0, 1.0)
    low, high = min(finite), max(finite)
    if scale == "log":
        high = max(high, SMALLEST_SPAN)
        low = max(low, high * SMALLEST_SHARE)
        pad = max(1.15, (high / low) ** PADDING)
        return Axis(low / pad, high * pad, "log")
    if from_zero and low >= 0:
        low = 0.0
    span = high - low
    if span < SMALLEST_SPAN:
        span = abs(high) if abs(high) > SMALLEST_SPAN else 1.0
        return Axis(low - 0.5 * span, high + 0.5 * span)
    return Axis(low if from_zero and low == 0 else low - PADDING * span, high + PADDING * span)


def tick_text(value: float) -> str:
    """A tick as short as it can be read: `0.05`, `2,000`, `1.5M`, `2e-5`."""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e6:
        return f"{value / 1e6:.4g}M" if size < 1e9 else f"{value:.3g}".replace("e+0", "e").replace("e+", "e")
    if size >= 1e-3:
        return f"{value:,.6g}" if size >= 1000 else f"{value:.6g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _ticks(low: float, high: float, wanted: int) -> list[float]:
    raw = (high - low) / max(1, wanted)
    if not math.isfinite(raw) or raw <= 0:
        return [low]
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in STEPS if unit * factor >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [
        round(index * step, 12 - math.floor(math.log10(step)))
        for index in range(first, first + 2 * wanted + 2)
        if index * step <= high + 1e-9 * step
    ]


def _log_ticks(low: float, high: float, wanted: int) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = last - first
    factors: tuple[int, ...] = (1,) if decades > wanted // 2 + 1 else (1, 3) if decades > 1 else (1, 2, 3, 5, 7)
    every = max(1, math.ceil(decades / wanted)) if factors == (1,) else 1
    found = [factor * 10.0**power for power in range(first, last + 1, every) for factor in factors]
    return [tick for tick in found if low <= tick <= high]
