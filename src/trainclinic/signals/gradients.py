"""Patterns of the logged gradient norm: not finite, exactly zero, the same in every row, growing, clipped.

What a norm is depends on who logs it: a Hugging Face row holds the norm before clipping of the *last* step of its
window only, other loops log it after clipping. So a single row says little, and the pattern over rows says much. This
module measures the patterns; single outliers belong to `spikes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.alignment import values_at
from trainclinic.signals.gradient_growth import Growth, growth_of
from trainclinic.signals.nan_filter import sentinel_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Floats, Series
    from trainclinic.signals.measured import Measured

    Mask = NDArray[np.bool_]

Pattern = Literal["none", "every row", "to the end", "recovers"]

LAST_ROWS = 2
"""Rows at the end that make a state of a single event: one row may be the hiccup that the next would have left."""

ROUNDED_ZERO = 20.0
"""A norm below this many half units of the last printed digit can print as 0, so such a zero is not exact."""

ALIKE_ROWS = 3
"""Equal norms in this many rows: four printed digits agree twice by chance in fewer than one log in 10^6."""

ALIKE_ROWS_COARSE = 20
"""The same for norms printed with fewer than three digits, of which two in three neighbours may agree by chance."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of the gradient norm that share a property.

    Attributes:
        pattern: `none`; `every row`; `to the end` (at least the last two rows); `recovers` (later rows lack it).
        rows: How many.
        first: Index of the first such row in the final history of the norm, or -1.
        begins: Index of the first row of the stretch that lasts to the end, or -1.
    """

    pattern: Pattern
    rows: int
    first: int = -1
    begins: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Patterns of the gradient norm.

    Attributes:
        norm: The final history of the norm.
        not_finite: Rows with NaN or inf.
        skipped_rows: How many of those repeat the learning rate of a neighbour in a log of every step whose rate
            otherwise moves: the scheduler did not advance, so the scaler skipped that optimizer step.
        zero: Rows with an exact 0 while the learning rate was not 0.
        constant: The value that all rows, or all from some row on, share to the last digit; `None` when they vary.
        constant_from: Index of the first row of that stretch, or -1.
        sentinel: Number of parameter groups when that value is a square root of a small whole number (DeepSpeed writes
            it for NaN), else `None`.
        clipped: Share of the rows whose norm is above the configured limit; `None` when no limit is known.
        growth: Growth at constant learning rate; `None` when there is no long enough stretch.
        loss_change: Relative change of the median loss between the first and last third; `None` below two rows.
    """

    norm: Series
    not_finite: Stretch
    skipped_rows: int
    zero: Stretch
    constant: float | None
    constant_from: int
    sentinel: int | None
    clipped: float | None
    growth: Growth | None
    loss_change: float | None


def gradients_of(run: Measured) -> Gradients | None:
    """Measure the gradient norm; `None` when it was not logged."""
    logged = run.record.get("train/grad_norm")
    if logged is None:
        return None
    norm = logged.final()
    rate, rate_logged = values_at(run.record.get("train/learning_rate"), norm.step)
    broken = ~np.isfinite(norm.value)
    zero = (norm.value == 0.0) & ~(rate_logged & (rate == 0.0))
    if _zeros_are_rounded(norm):
        zero[:] = False
    constant, constant_from = _constant(norm)
    limit = run.record.facts.number("max_grad_norm")
    finite = norm.value[~broken]
    return Gradients(
        norm=norm,
        not_finite=stretch(broken),
        skipped_rows=_skipped(norm, broken, rate),
        zero=stretch(zero),
        constant=constant,
        constant_from=constant_from,
        sentinel=sentinel_groups(np.array([constant])) if constant is not None else None,
        clipped=float(np.mean(finite > limit)) if limit and finite.size else None,
        growth=growth_of(norm, rate, run.train_loss) if run.record.axis == "step" else None,
        loss_change=loss_change(run.train_loss),
    )


def stretch(mask: Mask) -> Stretch:
    """Describe where the rows of `mask` (`[n]`) lie."""
    rows = int(mask.sum())
    if not rows:
        return Stretch("none", 0)
    first = int(np.argmax(mask))
    if rows == mask.size:
        return Stretch("every row", rows, first, 0)
    tail = int(np.argmin(mask[::-1]))
    begins = mask.size - tail if tail else -1
    return Stretch("to the end" if tail >= LAST_ROWS else "recovers", rows, first, begins)


def loss_change(loss: Series | None) -> float | None:
    """Relative change of the median loss from the first to the last third, exact zeros left out."""
    if loss is None:
        return None
    value = loss.value[np.isfinite(loss.value) & (loss.value > 0.0)]
    third = max(1, value.size // 3)
    if value.size < 2:
        return None
    begin, end = float(np.median(value[:third])), float(np.median(value[-third:]))
    return (end - begin) / begin


def _zeros_are_rounded(norm: Series) -> bool:
    """Whether the other norms are so small that a printed 0 may be a rounded one."""
    others = norm.value[np.isfinite(norm.value) & (norm.value != 0.0)]
    if not others.size:
        return False
    half = float(norm.printed.half_unit(np.ones(1))[0]) if norm.printed.kind == "fixed" else 0.0
    return bool(np.median(np.abs(others)) < ROUNDED_ZERO * half)


def _skipped(norm: Series, broken: Mask, rate: Floats) -> int:
    """Rows with a broken norm at which the schedule stood still, in a log of every step."""
    if not broken.any() or len(norm) < 4:
        return 0
    still = (rate[1:] == rate[:-1]) & (norm.step[1:] - norm.step[:-1] == 1)
    near = broken[1:] | broken[:-1]
    if near.all() or float(np.mean(still[~near])) > 0.2:
        return 0
    at_row = np.concatenate(([False], still)) | np.concatenate((still, [False]))
    return int((broken & at_row).sum())


def _constant(norm: Series) -> tuple[float | None, int]:
    """The value of the stretch of equal, finite, non-zero norms that ends the log, and its first row."""
    last = float(norm.value[-1])
    if not np.isfinite(last) or last == 0.0:
        return None, -1
    differs = norm.value != last
    begin = 0 if not differs.any() else len(norm) - int(np.argmax(differs[::-1]))
    half = float(norm.printed.half_unit(np.array([last]))[0])
    enough = ALIKE_ROWS_COARSE if half > 5e-3 * abs(last) else ALIKE_ROWS
    return (last, begin) if len(norm) - begin >= enough else (None, -1)
