"""Throughput: how fast the run really was, window by window, and how much time it lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.wording import count, duration, number, percent
from trainclinic.report.model import Speed, SpeedSpan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.signals.measured import Measured
    from trainclinic.signals.throughput import Throughput
    from trainclinic.signals.throughput_trend import Drift, StepChange
    from trainclinic.signals.throughput_windows import Windows

SHARP = 0.1
"""Windows are joined until their duration is known to a tenth: a clock printed in minutes would look like noise."""
JOINED = 5_000
"""Longer logs are drawn window by window: they hold enough rows for the eye to average."""
STEPPED = 300
"""Up to so many windows each is drawn as a level over its steps, not as a point."""
SPANS = 12
STEADY = 0.02
"""Changes below this share are not told: nobody acts on them, and both ends would read alike."""
CHANCE = 0.05
"""A drift that chance makes more often than this is not told."""


def speed_curve(measured: Measured) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Steps and steps per second for drawing: few windows as levels, many as points; `None` without absolute time."""
    windows = _windows(measured)
    if windows is None:
        return None
    value = np.asarray(1.0 / windows.per_step, dtype=np.float64)
    if len(windows) > STEPPED:
        return windows.end, value
    return np.column_stack((windows.begin, windows.end)).reshape(-1), np.repeat(value, 2)


class SpeedAt:
    """Steps per second of the window that a step lies in.

    Args:
        measured: The run.
    """

    def __init__(self, measured: Measured) -> None:
        self._windows = _windows(measured)

    def __call__(self, step: int) -> float | None:
        """The speed up to `step`; `None` where no window covers it."""
        windows = self._windows
        row = 0 if windows is None else int(np.searchsorted(windows.end, step))
        if windows is None or row >= len(windows) or int(windows.begin[row]) >= step:
            return None
        return float(1.0 / windows.per_step[row])


def _windows(measured: Measured) -> Windows | None:
    found = measured.throughput
    if found is None or found.windows.is_relative or len(found.windows) < 2:
        return None
    windows = found.windows
    if len(windows) <= JOINED:
        windows = windows.merged(SHARP, len(windows))
    windows = windows.take((windows.seconds > 0) & (windows.steps > 0))
    return windows if len(windows) > 1 else None


def speed(measured: Measured) -> Speed | None:
    """Throughput in sentences, and the stretches they speak of; `None` when nothing tells the time."""
    found = measured.throughput
    if found is None:
        return None
    says = [_pace(found), *_stalls(found), _trend(found), _printed(found), _overhead(found), _periodic(found)]
    says.append(_remaining(measured, found))
    relative = found.windows.is_relative
    return Speed(
        says=tuple(f"{sentence}." for sentence in says if sentence),
        typical_steps_per_second=None if relative or not found.seconds_per_step else 1 / found.seconds_per_step,
        lost_seconds=0.0 if relative else found.lost,
        spans=() if relative else tuple(sorted(_spans(found), key=lambda s: s.first_step)[:SPANS]),
    )


def _pace(found: Throughput) -> str:
    if found.windows.is_relative:
        return "The log holds durations without a unit, so only changes of the speed can be told"
    gaps = "Gaps in time left out, the" if found.stalls else "The"
    says = f"{gaps} run made {number(found.clean_speed, 3)} steps/s"
    if abs(found.recent_speed / found.clean_speed - 1) > 0.02:
        says += f", and {number(found.recent_speed, 3)} steps/s at the end of the log"
    return says


def _stalls(found: Throughput) -> list[str]:
    if found.windows.is_relative or not found.stalls:
        return []
    lost = f"{duration(found.lost)} were lost in {count(len(found.stalls), 'gap')} in time"
    longest = max(found.stalls, key=lambda stall: stall.lost)
    error = f" ± {duration(longest.error)}" if longest.error > 0.5 else ""
    after = "after it the pace was normal" if longest.recovered else "the pace did not return to normal after it"
    return [
        f"{lost}, the longest between steps {longest.begin:,} and {longest.end:,}: "
        f"{number(longest.lost)} s{error} beyond the usual pace; {after}"
    ]


def _told(found: Throughput) -> tuple[Drift | None, StepChange | None]:
    """The drift or the change of level, when it is larger than the printed digits and beyond chance."""
    drift, change = found.drift, found.change
    if drift is not None and (abs(drift.change) < STEADY or drift.p_value > CHANCE):
        drift = None
    return drift, None if change is None or abs(change.change) < STEADY else change


def _trend(found: Throughput) -> str:
    says = _course(found)
    return says[:1].upper() + says[1:]


def _course(found: Throughput) -> str:
    """The lasting change of the pace; it is measured without the windows that hold an evaluation or a save."""
    drift, change = _told(found)
    where = "between evaluations and saves, " if found.overhead is not None and found.overhead.count else ""
    if drift is not None:
        word = "fell" if drift.change < 0 else "rose"
        return (
            f"{where}from step {drift.begin:,} to {drift.end:,} the speed {word} slowly from "
            f"{number(drift.first_speed, 3)} to {number(drift.last_speed, 3)} steps/s ({_signed(drift.change)})"
        )
    if change is not None:
        return (
            f"{where}at step {change.step:,} the speed changed from {number(change.before, 3)} "
            f"to {number(change.after, 3)} steps/s ({_signed(change.change)}) and stayed there"
        )
    return ""


def _printed(found: Throughput) -> str:
    if found.printed_speed is None or found.bias is None or abs(found.bias - 1) < 0.1:
        return ""
    value, step = found.printed_speed
    return (
        f"The printed speed is a mean since the start: it reads {number(value, 3)} steps/s at step {step:,}, "
        f"while the run made {number(found.recent_speed, 3)}"
    )


def _overhead(found: Throughput) -> str:
    cost = found.overhead
    if cost is None or found.windows.is_relative or cost.count == 0 or cost.seconds <= 0:
        return ""
    share = f", {percent(cost.share)} of the time" if cost.share else ""
    return f"Evaluations and saves cost {duration(cost.seconds)} each, {count(cost.count, 'time')}{share}"


def _periodic(found: Throughput) -> str:
    if found.periodic is None:
        return ""
    slow = found.periodic
    return f"Every {slow.period:,} steps a window takes {number(slow.factor, 2)} times as long as the others"


def _remaining(measured: Measured, found: Throughput) -> str:
    planned, last = measured.record.facts.number("planned_steps"), measured.record.last_step
    if found.remaining_seconds is None or planned is None or last is None or last >= planned:
        return ""
    left = count(int(planned - last), "planned step")
    return f"The {left} left would take {duration(found.remaining_seconds)} at the last pace"


def _spans(found: Throughput) -> list[SpeedSpan]:
    spans = [
        SpeedSpan(
            first_step=stall.begin,
            last_step=stall.end,
            kind="gap in time",
            steps_per_second=(stall.end - stall.begin) / stall.seconds if stall.seconds > 0 else None,
            seconds=stall.seconds,
            lost_seconds=stall.lost,
        )
        for stall in found.stalls[: SPANS - 2]
    ]
    drift, change = _told(found)
    if drift is not None:
        fifth = (drift.end - drift.begin) // 5
        spans.append(SpeedSpan(drift.begin, drift.begin + fifth, "first fifth of a drift", drift.first_speed))
        spans.append(SpeedSpan(drift.end - fifth, drift.end, "last fifth of it", drift.last_speed))
    elif change is not None:
        first = int(found.windows.begin[0])
        spans.append(SpeedSpan(first, change.step, "before the change", change.before))
        spans.append(SpeedSpan(change.step, change.last, "after it", change.after))
    return spans


def _signed(share: float) -> str:
    return f"{'+' if share > 0 else '−'}{percent(abs(share))}"
