"""Seconds per step, window by window, and which windows hold more than training steps.

A window is the stretch between two logged steps of a clock, or one printed duration. Evaluation and saving belong to
windows, not to steps; they are found by the steps at which they happened. This module does not decide what is slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.elapsed_time import MOST, SECONDS, Clock
from trainclinic.signals.schedule_rows import tolerance_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

FEWEST_WINDOWS = 3
THICK = 40
"""More windows than this for each one wanted are joined in equal chunks first."""
PRINTED = (
    "speed/seconds_per_step",
    "speed/steps_per_second",
    "speed/samples_per_second",
    "speed/tokens_per_second",
)
"""Printed speeds of the moment, the most direct first; samples and tokens give relative durations only."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Durations in the order of the steps.

    Attributes:
        begin: Step before the window, `[n]`.
        end: Last step of the window, `[n]`.
        seconds: Duration, s (or in relative units), `[n]`.
        error: Largest error of the duration, `[n]`.
        overhead: Windows that hold an evaluation or a saved checkpoint, `[n]`.
        series: Name of the series it was taken from.
        is_relative: Durations are right up to a common factor only.
        covers_all: The windows follow each other without gaps, so that lost time can be summed.
    """

    begin: Integers
    end: Integers
    seconds: Floats
    error: Floats
    overhead: NDArray[np.bool_]
    series: str
    is_relative: bool = False
    covers_all: bool = True

    def __len__(self) -> int:
        """Number of windows."""
        return int(self.end.size)

    @property
    def steps(self) -> Integers:
        """Steps in each window, `[n]`."""
        return np.asarray(self.end - self.begin)

    @property
    def per_step(self) -> Floats:
        """Seconds per step of each window, `[n]`."""
        return np.asarray(self.seconds / self.steps)

    def take(self, index: Integers | NDArray[np.bool_]) -> Windows:
        """The windows with these indices or where the mask is true."""
        return Windows(
            self.begin[index],
            self.end[index],
            self.seconds[index],
            self.error[index],
            self.overhead[index],
            self.series,
            self.is_relative,
            self.covers_all,
        )

    def merged(self, share: float, most: int) -> Windows:
        """Adjacent windows joined until the error is below `share` of the duration and at most `most` are left."""
        if len(self) > THICK * most:
            return self._chunked(len(self) // (THICK // 2 * most)).merged(share, most)
        least = -(-len(self) // most)
        groups: list[tuple[int, int]] = []
        first = 0
        for row in range(len(self)):
            gap = row + 1 == len(self) or self.begin[row + 1] != self.end[row]
            slack = float(max(self.error[first], self.error[row]))
            whole = float(self.seconds[first : row + 1].sum()) if not gap and row + 1 - first >= least else 0.0
            if gap or (whole > 0 and slack <= share * whole):
                groups.append((first, row + 1))
                first = row + 1
        edges = np.array(groups, dtype=np.int64).reshape(-1, 2)
        joined = self._joined(edges[:, 0], edges[:, 1])
        return joined.take((joined.error <= 2 * share * joined.seconds) & (joined.seconds > 0))

    def _chunked(self, size: int) -> Windows:
        """Every `size` adjacent windows joined, never across a gap: a first pass over very many windows."""
        gap = np.concatenate(([True], self.begin[1:] != self.end[:-1]))
        since = np.arange(len(self)) - np.maximum.accumulate(np.where(gap, np.arange(len(self)), 0))
        first = np.flatnonzero(since % size == 0)
        return self._joined(first, np.append(first[1:], len(self)))

    def _joined(self, first: Integers, after: Integers) -> Windows:
        """Windows `first` to `after - 1` as one each; errors are those of the two ends."""
        total = np.concatenate(([0.0], np.cumsum(self.seconds)))
        error = np.maximum(self.error[first], self.error[after - 1])
        mask = np.zeros(first.size, bool)
        begin, end, seconds = self.begin[first], self.end[after - 1], total[after] - total[first]
        return Windows(begin, end, seconds, error, mask, self.series, self.is_relative, self.covers_all)


def windows_of(run: Measured, clock: Clock | None) -> Windows | None:
    """Windows from the clock when there is one with enough rows, else from printed speeds of the moment."""
    overhead = _overhead_steps(run)
    if clock is not None and clock.step.size > FEWEST_WINDOWS:
        return _from_clock(clock, overhead)
    kind = "cumulative" if clock is not None and clock.speed_kind == "cumulative" else ""
    for name in PRINTED:
        series = run.record.get(name)
        rows = series.final().finite() if series is not None else None
        if rows is None or (name == "speed/steps_per_second" and kind):
            continue
        rows = rows.where((rows.value > 1 / MOST) & (rows.value < MOST) & (np.abs(rows.step) < MOST))
        if len(rows) > FEWEST_WINDOWS:
            return _from_printed(rows, overhead, run)
    return None


def _from_clock(clock: Clock, overhead: Integers) -> Windows:
    seconds, error = np.diff(clock.middle), clock.error[1:] + clock.error[:-1]
    begin, end = clock.step[:-1], clock.step[1:]
    return Windows(begin, end, seconds, error, _holds(begin, end, overhead, seconds), clock.sources[0])


def _from_printed(rows: Series, overhead: Integers, run: Measured) -> Windows:
    slack = np.minimum(tolerance_of(rows), 0.5 * rows.value)
    if rows.name == "speed/seconds_per_step":
        scale = SECONDS.get(rows.unit.split("/")[0], 1.0)
        begin, seconds, error = rows.step - 1, rows.value * scale, slack * scale
        mask = _holds(begin, rows.step, overhead, seconds)
        return Windows(begin, rows.step, seconds, error, mask, rows.name, covers_all=False)
    spacing = int(np.median(np.diff(rows.step)))
    begin = np.concatenate(([max(int(rows.step[0]) - spacing, int(rows.step[0] > 0) - 1)], rows.step[:-1]))
    batch = run.position.sequences_per_step if run.position is not None else None
    work = batch if rows.name == "speed/samples_per_second" and batch else 1.0
    seconds = work * (rows.step - begin) / rows.value
    relative = not (rows.name == "speed/steps_per_second" or work != 1.0)
    mask = _holds(begin, rows.step, overhead, seconds / (rows.step - begin))
    return Windows(begin, rows.step, seconds, seconds * slack / rows.value, mask, rows.name, is_relative=relative)


def _overhead_steps(run: Measured) -> Integers:
    """Steps at which an evaluation ran or a checkpoint was saved."""
    evaluations = [series.step for name, series in run.record.series.items() if name.startswith("eval/")]
    saved = [checkpoint.step for checkpoint in run.record.checkpoints]
    saved += [event.step for event in run.record.events_of("checkpoint-saved") if event.step is not None]
    return np.unique(np.concatenate([*evaluations, np.array(saved, dtype=np.int64)]))


def _holds(begin: Integers, end: Integers, steps: Integers, seconds: Floats) -> NDArray[np.bool_]:
    """Windows that hold one of `steps`, at their end or at their beginning: the side whose windows take longer."""
    if not steps.size or steps.size > 0.5 * begin.size:
        return np.zeros(begin.size, bool)
    after = np.searchsorted(steps, end, "right") > np.searchsorted(steps, begin, "right")
    before = np.searchsorted(steps, end, "left") > np.searchsorted(steps, begin, "left")
    pace = seconds / np.maximum(end - begin, 1)
    if before.any() and (not after.any() or np.median(pace[before]) > np.median(pace[after])):
        return np.asarray(before)
    return np.asarray(after)
