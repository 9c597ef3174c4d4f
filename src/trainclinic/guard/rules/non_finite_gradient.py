"""A gradient is NaN or infinite.

## What it sees
The norm of all gradients before clipping is NaN or infinite, on any process. The first tensor with such a gradient is
named. Where a loss scaler skips these updates by itself, only a long row of them counts.

## Why it matters
One update with such a gradient makes every weight it touches NaN for good, and under the default filter of the Trainer
the log goes on showing ordinary losses.

## What it does not mean
It does not say that the learning rate is too high. Division by a count of zero targets, float16 overflow, a broken
kernel and a damaged weight look the same. The named tensor is where it was seen, often not where it began.

## Example
`gradient norm is NaN at step 7, first in model.layers.0.self_attn.q_proj.weight`

## Check it by hand
`[n for n, p in model.named_parameters() if p.grad is not None and not p.grad.isfinite().all()]` after `backward`.

## References
- Loss scaling: Micikevicius et al. (2018), arXiv 1710.03740, section 3.2
- `torch.amp.GradScaler`: halves its factor at each overflow
"""

from __future__ import annotations

from typing import ClassVar

from trainclinic.catalogue.rule import Threshold
from trainclinic.guard.live import About, LiveRule, Reading, limits
from trainclinic.guard.policy import Concern

SKIPS = Threshold(
    "updates skipped in a row",
    20,
    "steps",
    "a factor of 65,536 halved 16 times is 1: what still overflows after 20 is no matter of the factor",
)
LIMIT = limits(SKIPS)


class NonFiniteGradient(LiveRule):
    """Fires at the first step of a stretch."""

    slug: ClassVar[str] = "non-finite-gradient"
    concern: ClassVar[Concern] = "on_non_finite"
    thresholds: ClassVar[tuple[Threshold, ...]] = (SKIPS,)

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._row = 0

    @property
    def uneasy(self) -> bool:
        """Whether the last gradient was bad."""
        return self._row > 0

    def forget(self) -> None:
        """Begin a new stretch."""
        self._row = 0

    def look(self, reading: Reading) -> str | None:
        """Count bad gradients in a row."""
        self._row = self._row + 1 if reading.bad_gradient else 0
        first = int(LIMIT["updates skipped in a row"]) + 1 if reading.scaled else 1
        if self._row != first:
            return None
        where = f", first in `{reading.bad_tensor}`" if reading.bad_tensor else ""
        if reading.scaled:
            return f"the loss scaler has skipped {self._row} updates in a row up to step {reading.step:,}{where}"
        return f"the gradient is not finite at step {reading.step:,}{where}"


RULE = NonFiniteGradient
