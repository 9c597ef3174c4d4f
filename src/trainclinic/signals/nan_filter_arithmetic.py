"""Forward and inverse arithmetic of the Hugging Face Trainer's `logging_nan_inf_filter`.

With the filter on (the default), a micro-batch whose loss is not finite adds `sum / (1 + step - last_logged_step)` to
the running sum instead of its own value. So a window that turns non-finite part of the way is multiplied, once for
each such micro-batch, and a window without any finite micro-batch logs exactly 0. Source: `transformers.Trainer`,
`_inner_training_loop` and `_maybe_log_save_evaluate`; the same formula in 4.44, 4.46, 4.57 and 5.23. The filter is off
on XLA devices.

This module knows the formula alone; which rows of a run it applies to is `nan_filter`'s business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trainclinic.record.series import Floats, Integers

MAX_MICRO_BATCHES = 200_000
"""Longest window that is inverted micro-batch by micro-batch; beyond it the scan costs more than it tells."""


@dataclass(frozen=True, slots=True)
class Solution:
    """One way in which a logged value can have come about.

    Attributes:
        interval: Optimizer steps in the window, N.
        accumulation: Micro-batches per optimizer step, GA.
        finite: Finite micro-batches before the first non-finite one; all later ones of the window are non-finite.
        mean_loss: Mean loss of the finite micro-batches, in the unit of the logged loss.
    """

    interval: int
    accumulation: int
    finite: int
    mean_loss: float

    @property
    def whole_steps(self) -> bool:
        """Whether the first non-finite micro-batch begins an optimizer step, as it does after a ruined update."""
        return self.finite % self.accumulation == 0

    @property
    def finite_steps(self) -> int:
        """Optimizer steps of the window that are finite throughout."""
        return self.finite // self.accumulation


def simulate(steps: Sequence[Sequence[float]], interval: int) -> list[float]:
    """What the Trainer logs for given micro-batch losses.

    Args:
        steps: Per optimizer step the losses of its micro-batches, already divided by their number.
        interval: Optimizer steps per logged row.
    """
    running, last, rows = 0.0, 0, []
    for step, micro_batches in enumerate(steps):
        for loss in micro_batches:
            running += loss if math.isfinite(loss) else running / (1 + step - last)
        if (step + 1) % interval == 0:
            rows.append(running / (step + 1 - last))
            running, last = 0.0, step + 1
    return rows


def log_amplification(interval: int, accumulation: int) -> Floats:
    """Natural log of the factor that the filter puts on the sum, by number of finite micro-batches.

    The factor is the product over the non-finite micro-batches i (from 0) of 1 + 1 / (1 + floor(i / GA)); for whole
    finite steps m it is ((N + 1) / (m + 1)) ** GA.

    Args:
        interval: Optimizer steps in the window, at least 1.
        accumulation: Micro-batches per optimizer step, at least 1.

    Returns:
        Entry n_f belongs to n_f finite micro-batches, `[interval * accumulation + 1]`; the last entry is 0.
    """
    step = np.arange(interval * accumulation) // accumulation
    each = np.log1p(1.0 / (1.0 + step))
    return np.concatenate((np.cumsum(each[::-1])[::-1], [0.0]))


def invert(logged: float, interval: int, accumulation: int) -> tuple[Integers, Floats, Floats]:
    """Every number of finite micro-batches with the losses that would have been logged as `logged`.

    Args:
        logged: A logged value above 0.
        interval: Optimizer steps in the window.
        accumulation: Micro-batches per optimizer step.

    Returns:
        Finite micro-batches 1 .. N GA, their summed loss S (after division by GA) and mean loss L = S GA / n_f.
    """
    finite = np.arange(1, interval * accumulation + 1, dtype=np.int64)
    log_sum = math.log(logged) + math.log(interval) - log_amplification(interval, accumulation)[1:]
    with np.errstate(over="ignore"):
        summed = np.exp(log_sum)
        return finite, summed, summed * accumulation / finite


def solve(
    logged: float, interval: int, accumulation: int, band: tuple[float, float], *, whole_only: bool = False
) -> tuple[Solution, ...]:
    """The solutions whose mean loss lies inside a band, NaN at a step boundary first, then by onset.

    Args:
        logged: A logged value above 0.
        interval: Optimizer steps in the window.
        accumulation: Micro-batches per optimizer step.
        band: Lowest and highest plausible mean loss.
        whole_only: Keep only solutions whose finite micro-batches fill whole steps.
    """
    if interval < 1 or accumulation < 1 or interval * accumulation > MAX_MICRO_BATCHES:
        return ()
    finite, _, mean = invert(logged, interval, accumulation)
    partial = finite < interval * accumulation
    keep = partial & (mean >= band[0]) & (mean <= band[1])
    if whole_only:
        keep &= finite % accumulation == 0
    found = [Solution(interval, accumulation, int(f), float(m)) for f, m in zip(finite[keep], mean[keep], strict=True)]
    return tuple(sorted(found, key=lambda s: (not s.whole_steps, s.finite)))
