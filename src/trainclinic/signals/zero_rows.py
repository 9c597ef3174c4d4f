"""Exact zeros of the training loss, and what each stretch of them stands for.

A cross-entropy is never exactly 0, so a logged 0.0 is something else: a hidden NaN, a batch without targets, a printed
rounding of a loss that has decayed, or an objective that is 0 by construction. The readings follow SIGNALS 6.3 of the
project's notes; this module reads columns, it does not know why a target is missing or a weight is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.alignment import values_at
from trainclinic.signals.nan_filter import DECAYED, sentinel_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

Reading = Literal[
    "hidden-nan", "abrupt", "norm-stand-in", "targets-truncated", "no-target", "by-construction", "rounded", "unknown"
]


@dataclass(frozen=True, slots=True)
class ZeroRun:
    """A stretch of rows whose loss is exactly 0.

    Attributes:
        first: Index of its first row in the final history of the loss.
        rows: How many rows.
        to_the_end: The log ends in it.
        reading: `hidden-nan` (the norm is NaN or inf), `abrupt` (a normal loss, then zeros to the end, as the filter
            of non-finite losses writes), `norm-stand-in` (DeepSpeed's root of a group count for NaN norms),
            `targets-truncated` (norm 0 or NaN, token accuracy 0, tokens grow), `no-target` (norm exactly 0),
            `by-construction` (policy training), `rounded` (the loss had decayed), `unknown`.
    """

    first: int
    rows: int
    to_the_end: bool
    reading: Reading


@dataclass(frozen=True, slots=True, eq=False)
class ZeroRows:
    """Exact zeros of the training loss.

    Attributes:
        loss: The final history of the training loss.
        runs: Stretches of zeros, in order.
        norm_logged: Whether a gradient norm was logged beside the zeros.
    """

    loss: Series
    runs: tuple[ZeroRun, ...]
    norm_logged: bool

    @property
    def longest(self) -> ZeroRun | None:
        """The longest stretch, or `None` when no row is 0."""
        return max(self.runs, key=lambda stretch: stretch.rows, default=None)


def zero_rows_of(run: Measured) -> ZeroRows | None:
    """Read every stretch of exact zeros; `None` when no loss was logged."""
    loss = run.train_loss
    if loss is None:
        return None
    zero = loss.value == 0.0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], zero, [False])).astype(np.int8)))
    stretches = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    runs = tuple(
        ZeroRun(begin, end - begin, end == len(loss), _reading(run, loss, begin, end)) for begin, end in stretches
    )
    _, logged = values_at(run.record.get("train/grad_norm"), loss.step[zero])
    return ZeroRows(loss, runs, bool(logged.any()))


def _reading(run: Measured, loss: Series, begin: int, end: int) -> Reading:
    """What the zeros of rows `begin` to `end` (exclusive) stand for; the first reading that fits."""
    norm, logged = values_at(run.record.get("train/grad_norm"), loss.step[begin:end])
    shown = norm[logged]
    broken = bool((~np.isfinite(shown)).any())
    if _no_right_token(run, loss, begin, end) and (broken or not (shown > 0.0).any()):
        return "targets-truncated"
    if broken:
        return "hidden-nan"
    if run.objective.kind == "rl":
        return "by-construction"
    if shown.size and not shown.any():
        return "no-target"
    if end - begin >= 2 and sentinel_groups(shown):
        return "norm-stand-in"
    if run.nan_filter is not None and loss.step[begin] in run.nan_filter.hidden:
        return "abrupt"
    before = np.abs(loss.value[max(0, begin - 5) : begin])
    return "rounded" if before.size and float(np.median(before)) <= DECAYED else "unknown"


def _no_right_token(run: Measured, loss: Series, begin: int, end: int) -> bool:
    """Whether token accuracy is logged as exactly 0 in every one of these rows while tokens are counted."""
    steps: NDArray[np.int64] = loss.step[begin:end]
    accuracy, logged = values_at(run.record.get("train/token_accuracy"), steps)
    _, counted = values_at(run.record.get("train/tokens"), steps)
    return bool(logged.any() and not accuracy[logged].any() and counted.any())
