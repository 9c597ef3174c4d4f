"""Learning-rate schedules as formulas: what a schedule gives at a step, and which end makes it pass through a value.

This module knows shapes. It does not know which of them a log shows (`schedule`) nor what was configured
(`schedule_plan`).

A schedule is `LR(s) = peak * m(s - offset)` with a linear warm-up `m = w0 + (1 - w0) s / W`, an optional stable part up
to `D` and a decay that is a function of `x = (s - D) / (T - D)`; the formulas are those of
`transformers.optimization` (4.x and 5.x) and of nanoGPT's `get_lr`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Shape = Literal["constant", "linear", "cosine", "polynomial", "inverse_sqrt", "restarts", "steps"]
DECAYS: tuple[Shape, ...] = ("linear", "cosine", "polynomial")
"""Shapes with an end `T` that can be solved for from one value."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One fully specified schedule.

    Attributes:
        shape: Form of the decay; `polynomial` has power 2, `restarts` is a cosine that starts again each cycle.
        peak: Highest learning rate.
        warmup: Warm-up steps `W`; 0 for none.
        total: Step `T` at which the decay ends; `None` where the shape has no end or the rows do not tell it.
        floor: Learning rate at `T` as a share of the peak.
        start: Learning rate at step 0 of the warm-up as a share of the peak.
        offset: 0 when the row of step `s` shows `LR(s)` (logged after `scheduler.step`), 1 when it shows `LR(s - 1)`
            (the value that step `s` used; Hugging Face from 4.51 on).
        stable_until: Step `D` at which the decay begins; equal to `warmup` except for warmup-stable-decay.
        cycle: Steps per cycle of `restarts`; 0 otherwise.
        pace: Schedule steps per optimizer step; 1 unless the scheduler is stepped too often.
        levels: `(first step, multiplier)` pairs of `steps`.
        rise: Form of the warm-up; `log` is DeepSpeed's `WarmupLR`, `ln(s + 1) / ln W`.
    """

    shape: Shape
    peak: float
    warmup: int = 0
    total: int | None = None
    floor: float = 0.0
    start: float = 0.0
    offset: int = 0
    stable_until: int | None = None
    cycle: int = 0
    pace: int = 1
    levels: tuple[tuple[int, float], ...] = ()
    rise: Literal["linear", "log"] = "linear"

    @property
    def decay_start(self) -> int:
        """Step at which the decay begins."""
        return self.warmup if self.stable_until is None else self.stable_until

    @property
    def name(self) -> str:
        """The words for it: `cosine`, `constant with warm-up`, `warm-up, stable, linear decay` ..."""
        if self.shape == "constant":
            return "constant with warm-up" if self.warmup else "constant"
        word = {"inverse_sqrt": "inverse square root", "restarts": "cosine with restarts", "steps": "step decay"}
        name = word.get(self.shape, self.shape)
        return f"warm-up, stable, {name} decay" if self.decay_start > self.warmup else name

    def at(self, step: Floats | NDArray[np.int64] | float) -> Floats:
        """Learning rate that the log shows at `step` (any shape), not the one before rounding to printed digits."""
        clock = np.maximum((np.asarray(step, dtype=np.float64) - self.offset) * self.pace, 0.0)
        if self.rise == "log":
            rising = np.log(clock + 1.0) / np.log(max(self.warmup, 2))
        else:
            rising = warmup_share(clock, float(self.warmup), self.start)
        return np.asarray(self.peak * np.where(clock < self.warmup, rising, self._decayed(clock)))

    def _decayed(self, clock: Floats) -> Floats:
        if self.shape == "steps":
            out = np.ones(clock.shape)
            for first, share in self.levels:
                out = np.where(clock >= first, share, out)
            return out
        if self.shape == "inverse_sqrt":
            return np.asarray(np.sqrt(max(self.warmup, 1) / np.maximum(clock, max(self.warmup, 1))))
        if self.shape == "constant" or (self.total is None and not self.cycle):
            return np.ones(clock.shape)
        begin = self.decay_start
        if self.shape == "restarts":
            progress = np.maximum(clock - begin, 0.0) % self.cycle / self.cycle
        else:
            progress = np.clip((clock - begin) / max((self.total or 0) - begin, 1), 0.0, 1.0)
        return self.floor + (1.0 - self.floor) * decay_share(self.shape, progress)


def warmup_share(clock: Floats, warmup: Floats | float, start: Floats | float) -> Floats:
    """Share of the peak during a linear warm-up of `warmup` steps from `start`."""
    return np.asarray(start + (1.0 - np.asarray(start)) * clock / np.maximum(warmup, 1.0))


def decay_share(shape: Shape, progress: Floats) -> Floats:
    """Decay from 1 to 0 as a function of progress in `[0, 1]`."""
    if shape == "linear":
        return np.asarray(1.0 - progress)
    if shape == "polynomial":
        return np.asarray((1.0 - progress) ** 2)
    return np.asarray(0.5 * (1.0 + np.cos(np.pi * progress)))


def progress_of_share(shape: Shape, share: Floats) -> Floats:
    """The inverse of `decay_share`: the progress in `[0, 1]` at which the decay has come down to `share`."""
    inside = np.clip(share, 0.0, 1.0)
    if shape == "linear":
        return np.asarray(1.0 - inside)
    if shape == "polynomial":
        return np.asarray(1.0 - np.sqrt(inside))
    return np.asarray(np.arccos(2.0 * inside - 1.0) / np.pi)
