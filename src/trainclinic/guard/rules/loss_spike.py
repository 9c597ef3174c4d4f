"""The loss has jumped out of its band, and did not come back at once.

## What it sees
The logarithm of the loss against the line through the last 100 ordinary steps: more than six robust standard deviations
above it, a fifth of the level, 0.1 nats and a tenth of what the run had gained, and still above it in most of the next
steps. One high step alone is a hard batch and no alarm.

## Why it matters
Steps are lost until the loss is back, and a checkpoint saved meanwhile is a bad one.

## What it does not mean
It does not say that a batch was bad or that gradients exploded. A block of harder data looks the same.

## Example
`the loss has left its band: 3.02 at step 221, expected 2.10, still above it after 3 of 4 steps`

## Check it by hand
Evaluate the weights from before and during the spike on the same rows, and read the batches of those steps.

## References
- Detector: median and MAD of a trailing window in log space; a ratio to the median cannot see a spike of 1.44 times
- PaLM (arXiv 2204.02311), section 5.1: restarts some 100 steps earlier, with the batches of the spike skipped
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import ClassVar

from trainclinic.catalogue.rule import Threshold
from trainclinic.guard.live import About, LiveRule, Reading, limits
from trainclinic.guard.policy import Concern
from trainclinic.signals.outliers import FEWEST_IN_WINDOW, FLAG_Z, WINDOW
from trainclinic.signals.spikes import CALM_ROWS, CALM_Z, SMALLEST_RISE

HEIGHT = Threshold("height", FLAG_Z, "robust standard deviations", "1 of 1,000 steps of heavy-tailed noise reaches it")
STILL = Threshold(
    "height of the steps after", 3.0, "robust standard deviations", "half the first: it has not come back"
)
LEVEL = Threshold("share of the level", 0.2, "1", "smaller jumps cost less than the steps that a rollback costs")
RISE = Threshold("least rise", SMALLEST_RISE, "nats", "smaller jumps cost less than one logging window of training")
CONFIRM = Threshold("high steps among the next", 3, "steps", "of 4: hard batches of shuffled data do not come in rows")
LONGEST = Threshold("longest spike", WINDOW // 2, "steps", "after that it is a new level, which the window must learn")
GAIN = Threshold("share of the gain", 0.1, "1", "on memorised data a loss of 0.0002 jumps to 0.2 without harm")
ALL = (HEIGHT, STILL, LEVEL, RISE, GAIN, CONFIRM, LONGEST)
LIMIT = limits(*ALL)
_WATCHED = 4
_REFRESH = 5
_TO_SD = 1.4826
_LEAST_SCATTER = 0.01


class LossSpike(LiveRule):
    """Fires once per spike."""

    slug: ClassVar[str] = "loss-spike"
    concern: ClassVar[Concern] = "on_spike"
    thresholds: ClassVar[tuple[Threshold, ...]] = ALL

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._window: deque[float] = deque(maxlen=WINDOW)
        self._line = (0.0, 0.0, math.inf)
        self._since = 0
        self._first = 0.0
        self._open: tuple[int, float, float] | None = None
        self._after: list[float] = []
        self._calm = 0
        self._told = False

    @property
    def uneasy(self) -> bool:
        """Whether a jump is being watched or has not recovered."""
        return self._open is not None

    def forget(self) -> None:
        """What was watched is void; the band stays."""
        self._open, self._after, self._calm, self._told = None, [], 0, False

    def look(self, reading: Reading) -> str | None:
        """Compare one step with the band."""
        loss = reading.loss
        if loss is None or not math.isfinite(loss) or loss <= 0.0:
            return None
        value = math.log(loss)
        expected, z = self._distance(value)
        if self._open is None:
            high = z > LIMIT["height"] and value - expected > math.log1p(LIMIT["share of the level"])
            level = math.exp(expected)
            gained = LIMIT["share of the gain"] * ((self._first or level) - level)
            if high and loss - level > max(LIMIT["least rise"], gained):
                self._open = (reading.step, loss, level)
            else:
                self._accept(value)
            return None
        return self._watch(z, value)

    def _watch(self, z: float, value: float) -> str | None:
        """A jump is open: it is confirmed, or over, or a new level."""
        self._after.append(z)
        self._calm = self._calm + 1 if z < CALM_Z else 0
        still = sum(other > LIMIT["height of the steps after"] for other in self._after[:_WATCHED])
        undecided = not self._told and len(self._after) <= _WATCHED
        if undecided and still >= LIMIT["high steps among the next"]:
            self._told = True
            step, loss, expected = self._open or (0, 0.0, 0.0)
            return (
                f"the loss has left its band: {loss:.4g} at step {step:,}, expected {expected:.4g}, "
                f"still above it in {still} of the next {len(self._after)} steps"
            )
        lone = not self._told and len(self._after) >= _WATCHED
        if lone or self._calm >= CALM_ROWS or len(self._after) >= LIMIT["longest spike"]:
            lasting = len(self._after) >= LIMIT["longest spike"]
            self.forget()
            if lasting:
                self._window.clear()
                self._line = (0.0, 0.0, math.inf)
            self._accept(value)
        return None

    def _distance(self, value: float) -> tuple[float, float]:
        """Expected value of ln loss, and the height above it in robust standard deviations."""
        centre, slope, scatter = self._line
        expected = centre + slope * min(self._since + 1, 10)
        return expected, (value - expected) / scatter

    def _accept(self, value: float) -> None:
        """An ordinary step enters the band; the line is drawn again every few steps, from 100 numbers at most."""
        self._window.append(value)
        self._since += 1
        if len(self._window) < FEWEST_IN_WINDOW or self._since < _REFRESH:
            return
        rows = list(self._window)
        self._first = self._first or math.exp(median(rows[:_REFRESH]))
        half = len(rows) // 2
        first, second = median(rows[:half]), median(rows[half:])
        slope = (second - first) / (len(rows) / 2)
        middle = half + (len(rows) - half - 1) / 2
        rest = [abs(row - second - slope * (at - middle)) for at, row in enumerate(rows)]
        self._line = (second + slope * (len(rows) - 1 - middle), slope, max(_TO_SD * median(rest), _LEAST_SCATTER))
        self._since = 0


RULE = LossSpike
