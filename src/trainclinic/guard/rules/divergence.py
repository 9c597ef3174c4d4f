"""The loss has risen far above its best level, and stays there.

## What it sees
The logarithm of the loss, smoothed over about 20 steps, compared with the lowest value that this mean has had. It must
be half as high again, at least 0.5 nats, and far outside the scatter of the run, for 30 steps without a break. Where
the vocabulary is known, 10 losses in a row near its uniform loss are enough after the mean had been 2 nats below it.

## Why it matters
Weights that were better are being lost, and the run rarely finds back by itself.

## What it does not mean
It does not say why. A learning rate that is too high, a change of the data in the middle, and float16 under a plain
optimizer end alike.

## Example
`the smoothed loss is 3.41 at step 410, and has been far above its best of 1.52 (step 300) for 30 steps`

## Check it by hand
Evaluate the last checkpoint before the rise and one after it on the same held-out rows.

## References
- Zhang et al. (2022), arXiv 2205.01068, section 2.5: divergences of OPT and restarts from earlier checkpoints
- Uniform loss over a vocabulary of V tokens: ln V nats
"""

from __future__ import annotations

import math
from typing import ClassVar

from trainclinic.catalogue.rule import Threshold
from trainclinic.guard.live import About, LiveRule, Reading, limits
from trainclinic.guard.policy import Concern

SPAN = Threshold("span of the mean", 20, "steps", "hides single batches, and costs that many steps of delay")
RATIO = Threshold("rise over the best", 1.5, "1", "healthy public runs stay below it where the rise is 0.5 nats")
RISE = Threshold("least rise", 0.5, "nats", "a memorised loss near 0 doubles without harm")
SCATTER = Threshold("rise in standard deviations", 4.0, "1", "noise of the mean itself reaches 3 in 1,000 steps")
LASTING = Threshold("steps without a break", 30, "steps", "a spike comes back within fewer, or is told as a spike")
BELOW = Threshold("distance before", 2.0, "nats below uniform", "the model had learned to do more than guess")
NEAR = Threshold("distance now", 0.3, "nats below uniform", "broken models sit at the uniform loss, or above it")
GUESSING = Threshold("steps of guessing", 10, "steps", "no data explains it, so it need not last long")
ALL = (SPAN, RATIO, RISE, SCATTER, LASTING, BELOW, NEAR, GUESSING)
LIMIT = limits(*ALL)
_LARGEST_JUMP = math.log(4.0)
_FIRST = 2


class Divergence(LiveRule):
    """Fires once, and again only after the loss has been near its best."""

    slug: ClassVar[str] = "divergence"
    concern: ClassVar[Concern] = "on_divergence"
    thresholds: ClassVar[tuple[Threshold, ...]] = ALL

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._uniform = math.log(about.vocabulary) if about.vocabulary and about.vocabulary > 1 else math.inf
        self._mean: float | None = None
        self._spread = 0.0
        self._seen = 0
        self._best = (math.inf, 0)
        self._lowest = (math.inf, 0)
        self._high = self._guessing = 0
        self._told = False

    @property
    def uneasy(self) -> bool:
        """Whether the mean is visibly above its best."""
        risen = self._mean is not None and self._mean - self._best[0] > 0.5 * self._margin
        return self._told or self._guessing > 0 or risen

    def forget(self) -> None:
        """Begin the mean anew; the best stays."""
        self._mean, self._seen = None, 0
        self._high = self._guessing = 0
        self._told = False

    def look(self, reading: Reading) -> str | None:
        """Move the mean by one step."""
        loss = reading.loss
        if loss is None or not math.isfinite(loss) or loss <= 0.0:
            return None
        self._move(math.log(loss))
        mean = self._mean
        if mean is None or self._seen < _FIRST:
            return None
        self._lowest = min(self._lowest, (math.exp(mean), reading.step))
        # From the first steps on: a run that is lost within the span of the mean had a start to compare with.
        self._best = min(self._best, (mean, reading.step))
        self._count(mean, loss)
        if self._told:
            self._told = self._guessing > 0 or mean - self._best[0] > 0.5 * self._margin
            return None
        return self._sentence(mean, reading.step)

    def _move(self, value: float) -> None:
        self._seen += 1
        if self._mean is None:
            self._mean = value
            return
        share = 2.0 / (min(self._seen, LIMIT["span of the mean"]) + 1.0)
        rest = max(-_LARGEST_JUMP, min(_LARGEST_JUMP, value - self._mean))
        self._mean += share * rest
        # The scatter follows slowly, so that a rise does not hide in a scatter that it has made itself.
        self._spread += (0.02 if self._seen > LIMIT["span of the mean"] else share) * (abs(rest) - self._spread)

    @property
    def _margin(self) -> float:
        """Least rise of the mean logarithm; the mean of n steps scatters by 1.25 spread / sqrt(n)."""
        of_mean = 1.25 * self._spread / math.sqrt(LIMIT["span of the mean"])
        return max(math.log(LIMIT["rise over the best"]), LIMIT["rise in standard deviations"] * of_mean)

    def _count(self, mean: float, loss: float) -> None:
        level, best = math.exp(mean), math.exp(self._best[0])
        far = mean - self._best[0] > self._margin and level - best > LIMIT["least rise"]
        self._high = self._high + 1 if far else 0
        better = self._lowest[0] < self._uniform - LIMIT["distance before"]
        near = loss > self._uniform - LIMIT["distance now"]
        self._guessing = self._guessing + 1 if better and near else 0

    def _sentence(self, mean: float, step: int) -> str | None:
        level, best = math.exp(mean), math.exp(self._best[0])
        if self._guessing >= LIMIT["steps of guessing"]:
            self._told = True
            lowest, when = self._lowest
            return (
                f"the loss has been no better than guessing ({self._uniform:.3g}) for {self._guessing} steps, up to "
                f"step {step:,}; its mean was {lowest:.3g} at step {when:,}"
            )
        if self._high >= LIMIT["steps without a break"]:
            self._told = True
            return (
                f"the smoothed loss is {level:.3g} at step {step:,}, and has been far above its best of {best:.3g} "
                f"(step {self._best[1]:,}) for {self._high} steps"
            )
        return None


RULE = Divergence
