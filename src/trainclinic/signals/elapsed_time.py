"""Elapsed time at each logged step, from everything in the log that implies it.

Exact clock rows, time stamps, cumulative speeds and remaining-time estimates each give an interval of elapsed time;
the intervals are intersected and tightened by the fact that time only grows. This module knows clocks. It does not
know what is slow.

A mean since the start that is printed as `v ± h` at step `s` means that `s / (v ± h)` seconds have passed; a remaining
time `e ± h` computed from that mean means `e s / (T - s)` seconds, which is much sharper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.checkpoint_clock import checkpoint_times
from trainclinic.signals.position import stated
from trainclinic.signals.schedule_rows import round_between, tolerance_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

SpeedKind = Literal["cumulative", "instantaneous", "unclear", "none"]
SECONDS = {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0}
FEWEST_SPEED_ROWS = 8
MOST = 1e15
"""Larger steps and times are damage: differences of them are no numbers any more."""
CONTRADICTIONS = 0.1
"""Share of rows in which a source may contradict the others before it is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """Intervals of elapsed time.

    Attributes:
        step: Steps, strictly ascending, int64 `[n]`.
        low: Least seconds since the clock began, `[n]`.
        high: Most seconds since the clock began, `[n]`.
        start: Step at which the clock began.
        sources: Names of the series it is made of, the sharpest first.
        speed_kind: What a printed speed is: a mean since the start, or the speed of the moment.
    """

    step: Integers
    low: Floats
    high: Floats
    start: int
    sources: tuple[str, ...]
    speed_kind: SpeedKind = "none"

    @property
    def middle(self) -> Floats:
        """Middle of each interval, s, `[n]`."""
        return 0.5 * (self.low + self.high)

    @property
    def error(self) -> Floats:
        """Half width of each interval, s, `[n]`."""
        return 0.5 * (self.high - self.low)

    def speed_between(self, first: int, last: int) -> tuple[float, float, float] | None:
        """Mean speed in steps/s between two logged steps, with its lowest and highest possible value."""
        rows = np.searchsorted(self.step, [first, last])
        if last <= first or rows[1] >= self.step.size or tuple(self.step[rows]) != (first, last):
            return None
        seconds = float(self.middle[rows[1]] - self.middle[rows[0]])
        error = float(self.error[rows].sum())
        if seconds <= error:
            return None
        steps = last - first
        return steps / seconds, steps / (seconds + error), steps / (seconds - error)


Part = tuple["Integers", "Floats", "Floats"]


@np.errstate(all="ignore")
def clock_of(run: Measured) -> Clock | None:
    """The clock of a run, or `None` when the log has none that counts from a start, or no optimizer steps."""
    record = run.record
    if record.axis != "step":
        return None
    exact = _exact(run)
    speed, remaining = _final(run, "speed/steps_per_second"), _final(run, "time/remaining")
    start, kind = _speed_kind(run, speed, exact)
    parts = [(name, part) for name, part in exact]
    if kind == "cumulative" and speed is not None:
        left = _from_remaining(run, remaining, speed, start) if remaining is not None else None
        parts += [("time/remaining", left)] if left is not None else []
        parts.append(("speed/steps_per_second", _from_mean_speed(speed, start)))
    parts = parts or _checkpoints(run)
    if not parts:
        return None
    return _intersect([(name, part) for name, part in parts if part[0].size], start, kind)


@np.errstate(all="ignore")
def speed_kind_of(run: Measured) -> SpeedKind:
    """What the printed steps per second are: a mean since the start, the speed of the moment, or not to be told."""
    return _speed_kind(run, _final(run, "speed/steps_per_second"), _exact(run))[1]


def _exact(run: Measured) -> list[tuple[str, Part]]:
    return [part for part in (_elapsed(run), _stamps(run)) if part is not None]


def _final(run: Measured, name: str) -> Series | None:
    series = run.record.get(name)
    rows = series.final().finite() if series is not None else None
    if rows is None:
        return None
    sane = (np.abs(rows.value) < MOST) & (np.abs(rows.step) < MOST)
    rows = rows if sane.all() else rows.where(sane)
    return rows if len(rows) else None


def _seconds(series: Series) -> tuple[Floats, Floats]:
    """Values and their errors in seconds, whatever unit the log uses."""
    scale = SECONDS.get(series.unit, 1.0)
    return series.value * scale, tolerance_of(series) * scale


def _elapsed(run: Measured) -> tuple[str, Part] | None:
    rows = _final(run, "time/elapsed")
    if rows is None:
        return None
    value, slack = _seconds(rows)
    value = _joined_sessions(value)
    return "time/elapsed", (rows.step, value - slack, value + slack)


def _joined_sessions(value: Floats) -> Floats:
    """Elapsed time over restarts: where the counter falls back, it goes on from where it had been."""
    carried = np.zeros(value.size)
    back = np.flatnonzero(np.diff(value) < 0)
    carried[back + 1] = value[back]
    return np.asarray(value + np.cumsum(carried))


def _stamps(run: Measured) -> tuple[str, Part] | None:
    rows = _final(run, "time/stamp")
    if rows is None or len(rows) < 2:
        return None
    value, slack = _seconds(rows)
    passed = np.maximum.accumulate(value - value[0])
    slack = np.maximum(np.minimum(slack, 1.0), _resolution(value))
    return "time/stamp", (rows.step, passed - slack, passed + slack)


def _checkpoints(run: Measured) -> list[tuple[str, Part]]:
    """The times in checkpoint names, to the second; used when nothing else tells the time."""
    times = checkpoint_times((checkpoint.step, checkpoint.path) for checkpoint in run.record.checkpoints)
    if len(times) < 2:
        return []
    step = np.array([at for at, _ in times], dtype=np.int64)
    passed = np.array([seconds for _, seconds in times]) - times[0][1]
    return [("checkpoints", (step, passed - 1.0, passed + 1.0))]


def _resolution(value: Floats) -> float:
    """Half a second when every stamp is a whole second."""
    return 0.5 if bool(np.all(value == np.round(value))) else 1e-3


def _from_mean_speed(speed: Series, start: int) -> Part:
    steps = (speed.step - start).astype(np.float64)
    slack = tolerance_of(speed)
    use = (steps > 0) & (speed.value > slack)
    steps, value, slack = steps[use], speed.value[use], slack[use]
    return speed.step[use], steps / (value + slack), steps / (value - slack)


def _from_remaining(run: Measured, remaining: Series, speed: Series, start: int) -> Part | None:
    total = _total_of(run, remaining, speed)
    if not total:
        return None
    value, slack = _seconds(remaining)
    slack = np.minimum(slack, 0.5 * _spacing(value))
    left = total - remaining.step
    use = (left > 0) & (remaining.step > start)
    share = (remaining.step[use] - start) / left[use]
    return remaining.step[use], (value[use] - slack[use]) * share, (value[use] + slack[use]) * share


def _spacing(value: Floats) -> float:
    """The unit that whole seconds are multiples of: 6 where tenths of a minute were printed; inf for fractions."""
    whole = np.round(value[:2000]).astype(np.int64)
    if not np.allclose(whole, value[:2000], atol=1e-6):
        return float("inf")
    return float(np.gcd.reduce(whole)) or float("inf")


def _total_of(run: Measured, remaining: Series, speed: Series) -> float | None:
    """The end that the log computes its remaining time with.

    `s + remaining * speed` gives it within the printed digits at each row, best near the end. A configured number that
    fits is taken (counted from step 0 or from the start of a resumed run), else a round one, else the middle.
    """
    planned, start = stated(run, "planned_steps"), stated(run, "start_step") or 0.0
    _, left, right = np.intersect1d(remaining.step, speed.step, return_indices=True)
    if not left.size:
        return planned
    value, slack = _seconds(remaining)
    value, slack = value[left], np.minimum(slack, 0.5 * _spacing(value))[left]
    rate, error = speed.value[right], tolerance_of(speed)[right]
    step = remaining.step[left]
    lows, highs = step + (value - slack) * np.maximum(rate - error, 0.0), step + (value + slack) * (rate + error)
    low, high = float(np.quantile(lows, 0.95)), float(np.quantile(highs, 0.05))
    if low > high:
        return None if planned is None else planned + start
    for candidate in (planned, (planned or 0.0) + start):
        if candidate and low - 1 <= candidate <= high + 1:
            return candidate
    near = round_between(low, high)
    return float(near[near.size // 2]) if near.size else 0.5 * (low + high)


def _speed_kind(run: Measured, speed: Series | None, exact: list[tuple[str, Part]]) -> tuple[int, SpeedKind]:
    """Whether a printed speed is a mean since the start, and since which step.

    A mean since the start implies an elapsed time `s / v` that can never fall; noise of the moment makes it fall.
    """
    first = stated(run, "start_step")
    steps = [int(series.step[0]) for name in ("train/loss", "eval/loss") if (series := _final(run, name)) is not None]
    begin = int(first) if first is not None else min(steps, default=0)
    if speed is None:
        return begin if first is not None else 0, "none"
    starts = dict.fromkeys((0, begin, int(speed.step[0])))
    scored = sorted((_contradictions(_from_mean_speed(speed, start), exact), start) for start in starts)
    share, best = scored[0]
    if share > CONTRADICTIONS:
        return 0, "instantaneous"
    enough = len(speed) >= FEWEST_SPEED_ROWS and speed.step[-1] - best > 8 * int(np.median(np.diff(speed.step)))
    return best, "cumulative" if exact or enough else "unclear"


def _contradictions(part: Part, exact: list[tuple[str, Part]]) -> float:
    """Share of rows whose interval lies before an earlier one or away from an exact clock."""
    step, low, high = part
    if step.size < 2:
        return 0.0
    bad = float(np.mean(high[1:] < np.maximum.accumulate(low)[:-1]))
    for _, (other, other_low, other_high) in exact:
        _, left, right = np.intersect1d(step, other, return_indices=True)
        if left.size >= 2:
            apart = (low[left] > other_high[right] + 2.0) | (high[left] < other_low[right] - 2.0)
            bad = max(bad, float(np.mean(apart)))
    return bad


def _intersect(parts: list[tuple[str, Part]], start: int, kind: SpeedKind) -> Clock | None:
    """Intersect the sources at each step, the sharper source winning where two contradict each other."""
    step = np.unique(np.concatenate([part[0] for _, part in parts])) if parts else np.empty(0, np.int64)
    if step.size < 2:
        return None
    low, high = np.zeros(step.size), np.full(step.size, np.inf)
    names = []
    for name, (at, part_low, part_high) in parts:
        rows = np.searchsorted(step, at)
        new_low, new_high = np.maximum(low[rows], part_low), np.minimum(high[rows], part_high)
        agrees = new_low <= new_high
        if agrees.mean() < 1 - CONTRADICTIONS:
            continue
        low[rows[agrees]], high[rows[agrees]] = new_low[agrees], new_high[agrees]
        names.append(name)
    low = np.maximum.accumulate(low)
    high = np.minimum.accumulate(high[::-1])[::-1]
    known = np.isfinite(high) & (low <= high)
    if known.sum() < 2:
        return None
    return Clock(step[known], low[known], high[known], start, tuple(names), kind)
