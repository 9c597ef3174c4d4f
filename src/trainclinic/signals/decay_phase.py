"""What the loss does when a constant learning rate begins its planned decay.

Schedules with a warm-up, a long constant stretch and a short decay (WSD, "trapezoidal") gain a visible extra drop in
the decay. The drop is measured against the line through the last rows of the constant stretch. It needs both phases in
the log; it does not judge the schedule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.alignment import values_at
from trainclinic.signals.binning import noise_sd

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

FEWEST_ROWS = 8
"""Rows in either phase: a line and a level need as many."""
CONSTANT = 0.01
"""A rate within 1 % of its peak is constant."""
CONSTANT_SHARE = 0.3
"""Share of the rows that a constant stretch takes in such a schedule; the turning point of a cosine takes far less."""
DECAYED = 0.5
"""The decay is under way once the rate has fallen below half its peak."""


@dataclass(frozen=True, slots=True)
class DecayPhase:
    """The loss before and in the decay of a constant rate.

    Attributes:
        begin_step: First step of the decay.
        last_step: Last row that was compared.
        before: Level at the end of the constant stretch (median of its last rows).
        expected: Where its line leads to at the end of the decay.
        reached: Level of the last rows of the decay.
        error: Standard error of the difference between the two.
        share: Share of the rows that lie in the decay.
    """

    begin_step: int
    last_step: int
    before: float
    expected: float
    reached: float
    error: float
    share: float

    @property
    def extra(self) -> float:
        """How much lower the loss ends than the line of the constant stretch leads to."""
        return self.expected - self.reached


def decay_phase_of(run: Measured) -> DecayPhase | None:
    """Compare the two phases; `None` unless the log holds a long constant stretch and a decay below half of it."""
    loss = run.loss_rows
    if loss is None or len(loss) < 2 * FEWEST_ROWS:
        return None
    rate, logged = values_at(run.record.get("train/learning_rate"), loss.step)
    if not bool(np.isfinite(rate[logged]).all()) or float(np.mean(logged)) < 0.9:
        return None
    rate = np.interp(loss.step, loss.step[logged], rate[logged])
    top = float(rate.max())
    flat = np.flatnonzero(rate >= (1.0 - CONSTANT) * top)
    if top <= 0.0 or not flat.size:
        return None
    begin, first = int(flat[-1]) + 1, int(flat[0])
    falls = rate[begin:]
    if begin - first < max(FEWEST_ROWS, CONSTANT_SHARE * len(loss)) or flat.size < 0.95 * (begin - first):
        return None
    if falls.size < FEWEST_ROWS or float(falls[-1]) > DECAYED * top or bool((np.diff(falls) > 0).any()):
        return None
    before = loss.value[max(first, begin - max(2 * FEWEST_ROWS, falls.size)) : begin]
    steps = loss.step[begin - before.size : begin].astype(np.float64)
    slope, offset = np.polyfit(steps - steps[-1], before, 1)
    end = loss.value[-max(FEWEST_ROWS // 2, falls.size // 4) :]
    middle = float(np.mean(loss.step[-end.size :])) - steps[-1]
    expected = float(offset + min(slope, 0.0) * middle)
    noise = noise_sd(before) if before.size >= FEWEST_ROWS else float(np.std(before))
    width = float(np.ptp(steps)) or 1.0
    lever = 1.0 / before.size + 12.0 * (middle + 0.5 * width) ** 2 / (before.size * width**2)
    return DecayPhase(
        begin_step=int(loss.step[begin]),
        last_step=int(loss.step[-1]),
        before=float(np.median(before[-FEWEST_ROWS:])),
        expected=expected,
        reached=float(np.median(end)),
        error=noise * math.sqrt(lever + 1.57 / end.size),
        share=falls.size / len(loss),
    )
