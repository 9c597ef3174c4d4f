"""Slow drift and lasting change of the seconds per step, told apart.

Both are judged on the logarithm of seconds per step, over windows that hold nothing but training steps, joined until
their own error is small. A drift and a step both look like a trend; the better of the two descriptions is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.signals.throughput_windows import Windows

    Floats = NDArray[np.float64]

FEWEST_POINTS = 6
MOST_POINTS = 120
ERROR_SHARE = 0.04
"""Windows are joined until rounding is below this share of their duration: well below the 10 % that is looked for."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A steady change of the seconds per step.

    Attributes:
        begin: First step of the stretch.
        end: Last step of the stretch.
        first_speed: Steps/s in the first fifth of the stretch (relative units where durations are relative).
        last_speed: Steps/s in its last fifth.
        per_thousand: Relative growth of the seconds per step in 1,000 steps.
        p_value: Chance of such a trend in noise with the same autocorrelation (Mann-Kendall, effective sample size).
        every_window: Each window is slower than the one before it.
        apart: Each window of the last third is slower than each of the first third.
    """

    begin: int
    end: int
    first_speed: float
    last_speed: float
    per_thousand: float
    p_value: float
    every_window: bool = False
    apart: bool = False

    @property
    def change(self) -> float:
        """Relative change of the speed from beginning to end; negative when it became slower."""
        return self.last_speed / self.first_speed - 1.0


@dataclass(frozen=True, slots=True)
class StepChange:
    """Another level of the seconds per step from one point on.

    Attributes:
        step: First step of the new level.
        before: Steps/s before it (relative units where durations are relative).
        after: Steps/s from it on.
        t_value: Difference over its standard error, with the effective sample size.
        last: Last step of the stretch that was looked at.
    """

    step: int
    before: float
    after: float
    t_value: float
    last: int

    @property
    def change(self) -> float:
        """Relative change of the speed; negative when it became slower."""
        return self.after / self.before - 1.0


def trend_of(windows: Windows) -> tuple[Drift | None, StepChange | None]:
    """The drift or the step change of a stretch of ordinary windows; at most one of the two.

    A step is kept when two levels leave less than 0.6 of the squared residue of the straight line: both have two
    parameters, and the step's free position costs about that much on a pure line of this many points.
    """
    points = windows.merged(ERROR_SHARE, MOST_POINTS)
    if len(points) < FEWEST_POINTS:
        return None, None
    x = 0.5 * (points.begin + points.end).astype(np.float64)
    y = np.log(points.per_step)
    slope = theil_sen(x, y)
    line = np.median(y - slope * x) + slope * x
    change, residue = _best_step(y, points)
    drift = _drift(points, y, slope, line)
    if change is not None and residue < 0.6 * float(np.sum((y - line) ** 2)):
        return None, change
    return drift, None


def theil_sen(x: Floats, y: Floats) -> float:
    """Median of the slopes between all pairs of points (Sen 1968); at most a few hundred points."""
    i, j = np.triu_indices(x.size, k=1)
    distance = x[j] - x[i]
    use = distance > 0
    return float(np.median((y[j] - y[i])[use] / distance[use]))


def mann_kendall(y: Floats, residual: Floats) -> float:
    """Two-sided p-value of the Mann-Kendall trend test, its variance widened by the lag-1 autocorrelation.

    Mann 1945 and Kendall 1975; the widening is `(1 + phi) / (1 - phi)` with the small-sample correction of phi.
    """
    n = y.size
    i, j = np.triu_indices(n, k=1)
    score = float(np.sign(y[j] - y[i]).sum())
    variance = n * (n - 1) * (2 * n + 5) / 18.0 * inflation(residual)
    z = (abs(score) - 1.0) / math.sqrt(variance) if abs(score) > 1 else 0.0
    return math.erfc(z / math.sqrt(2.0))


def inflation(residual: Floats) -> float:
    """Growth of the variance of a mean by lag-1 autocorrelation; 1 for white noise and for too few points."""
    n, centred = residual.size, residual - residual.mean()
    power = float(np.dot(centred, centred))
    if n < 10 or power <= 0:
        return 1.0
    phi = float(np.dot(centred[1:], centred[:-1])) / power
    phi = min(max(phi + (1 + 4 * phi) / n, 0.0), 0.95)
    return (1 + phi) / (1 - phi)


def _drift(points: Windows, y: Floats, slope: float, line: Floats) -> Drift:
    fifth = max(1, len(points) // 5)
    first, last = points.take(np.arange(fifth)), points.take(np.arange(len(points) - fifth, len(points)))
    return Drift(
        begin=int(points.begin[0]),
        end=int(points.end[-1]),
        first_speed=float(first.steps.sum() / first.seconds.sum()),
        last_speed=float(last.steps.sum() / last.seconds.sum()),
        per_thousand=math.expm1(min(1000.0 * slope, 50.0)),
        p_value=mann_kendall(y, y - line),
        every_window=bool(np.all(np.diff(y) > 0)),
        apart=bool(y[-max(3, y.size // 3) :].min() > y[: max(3, y.size // 3)].max()),
    )


def _best_step(y: Floats, points: Windows) -> tuple[StepChange | None, float]:
    """The split into two levels with the least squared residue; at least three windows on each side."""
    n = y.size
    if n < FEWEST_POINTS:
        return None, math.inf
    k = np.arange(3, n - 2)
    total, square = np.cumsum(y), float(np.sum(y * y))
    left, right = total[k - 1], total[-1] - total[k - 1]
    residues = square - left**2 / k - right**2 / (n - k)
    at = int(k[int(np.argmin(residues))])
    before, after = y[:at], y[at:]
    rest = np.concatenate((before - before.mean(), after - after.mean()))
    spread = float(np.sum(rest * rest)) / max(n - 2, 1) * inflation(rest)
    error = math.sqrt(max(spread, 1e-12) * (1 / at + 1 / (n - at)))
    step = StepChange(
        step=int(points.begin[at]),
        before=float(points.steps[:at].sum() / points.seconds[:at].sum()),
        after=float(points.steps[at:].sum() / points.seconds[at:].sum()),
        t_value=float(after.mean() - before.mean()) / error,
        last=int(points.end[-1]),
    )
    return step, float(residues.min())
