"""The loss or the gradient is exactly 0.

## What it sees
A loss of exactly 0.0 whose gradient is 0 or not finite (or not known), or a gradient norm of exactly 0.0 in three steps
in a row.

## Why it matters
Nothing is learned: no target is left in the batches, no trained tensor is part of the loss, or NaN was replaced by 0.

## What it does not mean
It does not say that the model is perfect: a learned loss is small, not 0. Objectives on advantages (GRPO and its
relatives) are 0 whenever all answers to a prompt get the same reward. The rule is silent where the objective is known
to be one of them, and after the first negative loss.

## Example
`the gradient norm has been exactly 0 for 3 steps, up to step 3`

## Check it by hand
`[n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]`, and the number of labels that are not
-100.

## References
- peft#137: gradient checkpointing without `enable_input_require_grads` leaves adapters without gradient
"""

from __future__ import annotations

import math
from typing import ClassVar

from trainclinic.catalogue.rule import Threshold
from trainclinic.guard.live import About, LiveRule, Reading, limits
from trainclinic.guard.policy import Concern

STEPS = Threshold(
    "gradients of exactly 0 in a row", 3, "steps", "one batch without targets happens; three in a row are a fault"
)
LIMIT = limits(STEPS)
ADVANTAGES = ("grpo", "rloo", "ppo", "reinforce")
"""Objectives whose losses are sums of advantages."""


class ExactZeroLoss(LiveRule):
    """Fires once per stretch."""

    slug: ClassVar[str] = "exact-zero-loss"
    concern: ClassVar[Concern] = "on_zero"
    thresholds: ClassVar[tuple[Threshold, ...]] = (STEPS,)

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._row = 0
        self._told = False
        self._on_advantages = about.objective in ADVANTAGES

    @property
    def uneasy(self) -> bool:
        """Whether the last gradient was 0."""
        return self._row > 0 or self._told

    def forget(self) -> None:
        """Begin a new stretch."""
        self._row, self._told = 0, False

    def look(self, reading: Reading) -> str | None:
        """Count zeros in a row."""
        self._on_advantages = self._on_advantages or (reading.loss is not None and reading.loss < 0.0)
        if self._on_advantages:
            return None
        norm = reading.grad_norm
        self._row = self._row + 1 if norm == 0.0 else 0
        empty = reading.loss == 0.0 and (norm is None or norm == 0.0 or not math.isfinite(norm))
        stuck = self._row >= LIMIT["gradients of exactly 0 in a row"]
        before, self._told = self._told, empty or stuck
        if before or not self._told:
            return None
        if empty:
            return f"the loss is exactly 0 at step {reading.step:,}"
        return f"the gradient norm has been exactly 0 for {self._row} steps, up to step {reading.step:,}"


RULE = ExactZeroLoss
