"""The rows of a loss column that are losses: finite, and not written by a logging filter.

A Trainer that replaces non-finite micro-batches logs a giant row and then exact zeros; neither is a loss
that the model ever had, so no level, spike or trend may be read from them. This module only drops such rows, with what
the signal of that filter knows; what they mean is told there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

ZERO_AFTER = 0.02
"""A loss of at least this many nats does not round to 0.0000 in the next row, so the zero was not a loss."""

GIANT_RATIO = 10.0
"""A row before exact zeros that is this many times the rows before it was inflated by the filter."""

GIANT_ALONE = 30.0
"""Without rows before it: more nats than any start of a token model that then logs zeros (random ids cost 12-18)."""


def usable_rows(value: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows hold a loss.

    Args:
        value: Logged losses in order, `[n]`.

    Returns:
        Mask, `[n]`: false for non-finite rows, for exact zeros that a loss cannot have reached, and for the inflated
        row before them.
    """
    usable = np.isfinite(value)
    zero = value == 0.0
    if not zero.any():
        return usable
    kept = np.flatnonzero(usable & ~zero)
    if not kept.size:
        return np.zeros(value.shape, dtype=bool)
    begins = np.flatnonzero(zero & np.r_[True, ~zero[:-1]])
    ends = np.r_[np.flatnonzero(zero[:-1] & ~zero[1:]) + 1, value.size] if zero[-1] else _ends(zero)
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=False):
        before = kept[kept < begin][-5:]
        if not before.size or float(np.median(np.abs(value[before]))) > ZERO_AFTER:
            usable[begin:end] = False
            _drop_inflated(value, usable, before)
    return usable


def _ends(zero: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.flatnonzero(zero[:-1] & ~zero[1:]) + 1


def _drop_inflated(value: NDArray[np.float64], usable: NDArray[np.bool_], before: NDArray[np.intp]) -> None:
    if not before.size:
        return
    last = int(before[-1])
    earlier = value[before[:-1]]
    limit = GIANT_RATIO * float(np.median(earlier)) if earlier.size else GIANT_ALONE
    if value[last] > max(limit, ZERO_AFTER):
        usable[last] = False


def loss_rows_of(run: Measured) -> Series | None:
    """The usable rows of the final training-loss history, or `None` when there is none.

    Losses of policy training are about 0 by construction, so their zeros stay.
    """
    loss = run.train_loss
    if loss is None:
        return None
    if run.objective.kind == "rl":
        rows = loss.finite()
    else:
        mask = usable_rows(loss.value)
        filtered = run.nan_filter
        if filtered is not None and filtered.artefact_rows.size:
            mask &= ~np.isin(loss.step, filtered.artefact_rows)
        rows = loss if bool(mask.all()) else loss.where(mask)
    return rows if len(rows) else None


def eval_rows_of(run: Measured) -> Series | None:
    """The usable rows of the final evaluation-loss history, or `None` when there is none."""
    loss = run.eval_loss
    if loss is None:
        return None
    mask = usable_rows(loss.value)
    rows = loss if bool(mask.all()) else loss.where(mask)
    return rows if len(rows) else None
