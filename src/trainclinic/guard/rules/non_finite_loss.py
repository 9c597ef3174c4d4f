"""The loss is NaN or infinite.

## What it sees
The loss as the model returned it, before the Trainer's filter replaces such values in the logged mean.

## Why it matters
The weights that gave it are broken already, or the batch is: either way the next update is worthless.

## What it does not mean
It does not say that the run diverged. A batch without a single target gives 0/0, and broken weights in the checkpoint
give NaN in the first step.

## Example
`the loss is nan at step 1`

## Check it by hand
Count the labels of the batch that are not -100, and ask `all(p.isfinite().all() for p in model.parameters())`.

## References
- transformers: `TrainingArguments.logging_nan_inf_filter`, on by default
"""

from __future__ import annotations

import math
from typing import ClassVar

from trainclinic.catalogue.rule import Threshold
from trainclinic.guard.live import About, LiveRule, Reading
from trainclinic.guard.policy import Concern


class NonFiniteLoss(LiveRule):
    """Fires at the first step of a stretch."""

    slug: ClassVar[str] = "non-finite-loss"
    concern: ClassVar[Concern] = "on_non_finite"
    thresholds: ClassVar[tuple[Threshold, ...]] = ()

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._bad = False

    @property
    def uneasy(self) -> bool:
        """Whether the last loss was bad."""
        return self._bad

    def forget(self) -> None:
        """Begin a new stretch."""
        self._bad = False

    def look(self, reading: Reading) -> str | None:
        """Compare with the step before."""
        if reading.loss is None:
            return None
        before, self._bad = self._bad, not math.isfinite(reading.loss)
        return f"the loss is {reading.loss} at step {reading.step:,}" if self._bad and not before else None


RULE = NonFiniteLoss
