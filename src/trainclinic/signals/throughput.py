"""How fast a run was at each moment, what time it lost, and how long it will still take.

Elapsed time comes from `elapsed_time`, windows from `throughput_windows`, trends from `throughput_trend`; this module
finds the gaps in time, the cost of evaluation, slow beginnings and recurring slow windows. It knows no cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.elapsed_time import Clock, SpeedKind, clock_of, speed_kind_of
from trainclinic.signals.schedule_plan import planned_end_of
from trainclinic.signals.throughput_trend import Drift, StepChange, trend_of
from trainclinic.signals.throughput_windows import FEWEST_WINDOWS, Windows, windows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.signals.measured import Measured

SLOW_FACTOR = 3.0
"""A window this many times slower than the median, and by more than its error, holds something else than steps."""
LONGEST_GAP_WINDOWS = 3
"""More slow windows in a row than this are a slow stretch, not a gap in time."""
FEWEST_PERIODIC = 3


@dataclass(frozen=True, slots=True)
class Stall:
    """Wall time that passed with hardly any steps.

    Attributes:
        begin: Step before it.
        end: First logged step after it.
        seconds: Duration of these windows, s.
        lost: Seconds beyond what these steps take at the median pace.
        error: Largest error of `lost`, s.
        recovered: Whether the windows after it were at normal pace; `False` also when the log ends there.
        windows: Number of logged windows it covers.
    """

    begin: int
    end: int
    seconds: float
    lost: float
    error: float
    recovered: bool
    windows: int


@dataclass(frozen=True, slots=True)
class Overhead:
    """Windows that hold an evaluation or a save.

    Attributes:
        count: How many.
        seconds: Median seconds beyond the steps in them.
        share: Their part of the whole logged time; 0 when durations do not cover all of it.
    """

    count: int
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class Periodic:
    """Slow windows at equal distances that no evaluation or save explains.

    Attributes:
        period: Distance in steps.
        steps: End steps of the slow windows.
        factor: Median slowness of these windows against the others.
        lost: Seconds beyond the median pace in all of them (relative units where durations are relative).
    """

    period: int
    steps: tuple[int, ...]
    factor: float
    lost: float


@dataclass(frozen=True, slots=True, eq=False)
class Throughput:
    """Everything about the speed of a run.

    Attributes:
        windows: Seconds per step over the run, for tables and charts.
        clock: Elapsed time, when the log has a clock.
        speed_kind: What a printed speed is.
        seconds_per_step: Median over ordinary windows.
        spread: 1.4826 times the median absolute deviation over all windows.
        start_up: Seconds of the first window beyond the median pace; the second number is its slowness factor.
        stalls: Gaps in time, in order.
        overhead: Cost of evaluations and saves; `None` when none is known.
        periodic: Recurring slow windows, or `None`.
        drift: Steady change on the longest stretch without a gap in time, or `None` when a step describes it better.
        change: Lasting change of level, or `None`.
        recent_speed: Steps/s over the last tenth of the log with its evaluations, gaps in time left out.
        clean_speed: Steps/s of the whole run without gaps in time.
        printed_speed: Last printed speed and its step, when it is a mean since the start.
        remaining_seconds: `(T - s)` at the recent pace, when the planned end is known.
    """

    windows: Windows
    clock: Clock | None
    speed_kind: SpeedKind
    seconds_per_step: float
    spread: float
    start_up: tuple[float, float]
    stalls: tuple[Stall, ...]
    overhead: Overhead | None
    periodic: Periodic | None
    drift: Drift | None
    change: StepChange | None
    recent_speed: float
    clean_speed: float
    printed_speed: tuple[float, int] | None
    remaining_seconds: float | None

    @property
    def lost(self) -> float:
        """Seconds lost in all gaps in time."""
        return sum(stall.lost for stall in self.stalls)

    @property
    def total(self) -> float:
        """Seconds from the first to the last logged step; an estimate where windows are samples of single steps."""
        seconds = self.windows.seconds
        if self.windows.covers_all:
            return float(seconds.sum())
        usual = self.seconds_per_step * self.windows.steps
        return self.seconds_per_step * float(self.windows.end[-1] - self.windows.begin[0]) + float(
            (seconds - usual).sum()
        )

    @property
    def bias(self) -> float | None:
        """Recent speed over the printed mean since the start; 1.7 means that the run is 70 % faster than it says."""
        return self.recent_speed / self.printed_speed[0] if self.printed_speed else None


@np.errstate(all="ignore")
def throughput_of(run: Measured) -> Throughput | None:
    """Measure the speed of a run; `None` without enough time information."""
    clock = clock_of(run) if run.record.axis == "step" else None
    windows = windows_of(run, clock) if run.record.axis == "step" else None
    if windows is None:
        return None
    usable = (windows.seconds >= 0) & (windows.steps > 0) & np.isfinite(windows.seconds)
    windows = windows.take(usable)
    if len(windows) < FEWEST_WINDOWS:
        return None
    return measure(windows, clock, run)


def measure(windows: Windows, clock: Clock | None, run: Measured) -> Throughput:
    """Find gaps, overhead, trends and speeds in `windows` (at least three)."""
    pace, steps = windows.per_step, windows.steps
    ordinary = ~windows.overhead if (~windows.overhead).sum() >= FEWEST_WINDOWS else np.ones(len(windows), bool)
    median = float(np.median(pace[ordinary]))
    extra = windows.seconds - median * steps
    overhead = _overhead(windows, extra)
    allowed = np.where(windows.overhead, SLOW_FACTOR * (overhead.seconds if overhead else 0.0), 0.0)
    slow = windows.seconds - SLOW_FACTOR * median * steps - allowed > windows.error
    slow[0] = False  # a slow beginning is its own symptom
    periodic = _periodic(windows, slow & ~windows.overhead, median)
    stalls = () if periodic else _stalls(windows, slow, extra)
    held = np.zeros(len(windows), bool)
    for stall in stalls:
        held |= (windows.begin >= stall.begin) & (windows.end <= stall.end)
    plain = ordinary & ~held
    # where a clock began is uncertain, and a first step may hold compilation
    plain[0] &= clock is None and pace[0] <= 1.2 * median
    if periodic:
        plain &= ~slow
    drift, change = _trend(windows, plain, held)
    recent = _recent(windows, held)
    speed = float(recent.steps.sum() / max(recent.seconds.sum(), 1e-9))
    rest = windows.take(~held)
    kind = clock.speed_kind if clock is not None else speed_kind_of(run)
    return Throughput(
        windows=windows,
        clock=clock,
        speed_kind=kind,
        seconds_per_step=median,
        spread=1.4826 * float(np.median(np.abs(pace - np.median(pace)))),
        start_up=(float(extra[0]), float(pace[0] / max(median, 1e-12))),
        stalls=stalls,
        overhead=overhead,
        periodic=periodic,
        drift=drift,
        change=change,
        recent_speed=speed,
        clean_speed=float(rest.steps.sum() / max(rest.seconds.sum(), 1e-9)),
        printed_speed=_printed_mean(run) if kind == "cumulative" else None,
        remaining_seconds=_remaining(run, speed) if not windows.is_relative else None,
    )


def _recent(windows: Windows, held: NDArray[np.bool_]) -> Windows:
    """The last tenth of the windows, and at least one evaluation with the steps before it; gaps in time left out."""
    free = np.flatnonzero(~held)
    if not free.size:
        return windows
    cuts = np.flatnonzero(held)
    after = free[free > cuts[-1]] if cuts.size else free
    free = after if after.size >= FEWEST_WINDOWS else free
    last = np.flatnonzero(windows.overhead)
    period = int(last[-1] - last[-2]) if last.size > 1 else 0
    return windows.take(free[-max(FEWEST_WINDOWS, len(windows) // 10, period) :])


def _overhead(windows: Windows, extra: NDArray[np.float64]) -> Overhead | None:
    held = windows.overhead
    if not held.any():
        return None
    typical = max(float(np.median(extra[held])), 0.0)
    share = typical * int(held.sum()) / max(float(windows.seconds.sum()), 1e-9)
    return Overhead(int(held.sum()), typical, share if windows.covers_all else 0.0)


def _stalls(windows: Windows, slow: NDArray[np.bool_], extra: NDArray[np.float64]) -> tuple[Stall, ...]:
    """Runs of at most three slow windows in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], slow, [False])).astype(np.int8)))
    found = []
    for first, after in edges.reshape(-1, 2).tolist():
        lasting = after == len(windows) and after - first > 1  # nothing tells that it ended
        if after - first > LONGEST_GAP_WINDOWS or lasting:
            continue
        error = float(windows.error[first] + windows.error[after - 1])
        lost, seconds = float(extra[first:after].sum()), float(windows.seconds[first:after].sum())
        begin, end = int(windows.begin[first]), int(windows.end[after - 1])
        found.append(Stall(begin, end, seconds, lost, error, after < len(windows), after - first))
    return tuple(found)


def _periodic(windows: Windows, slow: NDArray[np.bool_], median: float) -> Periodic | None:
    """At least three slow windows whose distances are multiples of one period, to within one window."""
    steps = windows.end[slow]
    if steps.size < FEWEST_PERIODIC:
        return None
    gaps = np.diff(steps)
    period = int(np.median(gaps))
    width = int(np.median(windows.steps))
    if period < 2 * width or steps.size * period < 0.6 * (windows.end[-1] - windows.begin[0]):
        return None
    if np.abs(gaps - period * np.round(gaps / period)).max() > width:
        return None
    excess = windows.seconds[slow] - median * windows.steps[slow]
    factor = float(np.median(windows.per_step[slow])) / max(median, 1e-12)
    return Periodic(period, tuple(int(step) for step in steps), factor, float(excess.sum()))


def _trend(
    windows: Windows, plain: NDArray[np.bool_], held: NDArray[np.bool_]
) -> tuple[Drift | None, StepChange | None]:
    """Trend on the longest stretch without a gap in time: a pause may reset what made the run slow."""
    cuts = np.flatnonzero(held)
    edges = [0, *cuts.tolist(), len(windows)]
    stretches = [(a, b) for a, b in pairwise(edges) if b > a]
    first, last = max(stretches, key=lambda pair: int(plain[pair[0] : pair[1]].sum()), default=(0, 0))
    inside = np.zeros(len(windows), bool)
    inside[first:last] = True
    return trend_of(windows.take(plain & inside))


def _printed_mean(run: Measured) -> tuple[float, int] | None:
    series = run.record.get("speed/steps_per_second")
    rows = series.final().finite() if series is not None else None
    return (
        (float(rows.value[-1]), int(rows.step[-1])) if rows is not None and len(rows) and rows.value[-1] > 0 else None
    )


def _remaining(run: Measured, speed: float) -> float | None:
    planned, last = planned_end_of(run), run.record.last_step
    return (
        (planned - last) / speed if planned is not None and last is not None and planned > last and speed > 0 else None
    )
