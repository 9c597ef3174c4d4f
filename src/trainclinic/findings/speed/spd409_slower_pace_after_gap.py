"""The run is slower after a gap in time than it was before it.

## What it sees
The ordinary windows on both sides of the longest gap in time, at least three on each side and at most ten. Present when
the pace after the gap is more than 15 % below the pace before it, absent when it is at most 5 % below. Evaluations and
the gap itself are left out.

## Why it matters
A gap and a slower run are two matters that one printed mean mixes up. Whatever keeps a run slow, such as memory that is
short, is still there after a pause; a machine that was away goes on as before.

## What it does not mean
Its absence does not say that nothing was slow before the gap. A mean since the start falls with the gap alone: this
compares the windows and not that mean.

## Example
`1.10 steps/s before a gap of 1,000 s, 0.60 steps/s after it`

## Check it by hand
Divide steps by seconds over the last windows before the gap and the first ones after it.

## References
- https://github.com/meta-pytorch/torchtune/issues/2473 (a run that stays slow)
- https://tqdm.github.io/docs/tqdm/ (how a displayed rate is averaged)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured
from trainclinic.signals.throughput import SLOW_FACTOR

if TYPE_CHECKING:
    from trainclinic.signals.throughput import Throughput

SLOWER = Threshold("loss of speed", 0.15, "1", "public logs of healthy runs on shared machines show up to 14 %")
KEPT = Threshold("loss of speed that is none", 0.05, "1", "the error of ten windows with a speed of two digits")
LEAST = Threshold("seconds lost", 30.0, "s", "shorter pauses are hard to tell from slow windows")
FEWEST = Threshold("windows on each side", 3, "windows", "two may hold the end of the gap")
MOST = Threshold("windows on each side", 10, "windows", "further away the pace is that of another time")


def check(run: Measured) -> Verdict:
    """Compare the pace before and after the longest gap."""
    speed = run.throughput
    if speed is None or speed.windows.is_relative:
        return NotEvaluated(missing="elapsed time or steps per second beside the steps")
    gaps = [stall for stall in speed.stalls if stall.lost - stall.error >= LEAST.value]
    if not gaps:
        return NotEvaluated(missing="a gap in time to compare the pace around")
    gap = max(gaps, key=lambda stall: stall.lost)
    before, after = _pace(speed, None, gap.begin), _pace(speed, gap.end, None)
    if before is None or after is None:
        return NotEvaluated(missing=f"at least {FEWEST.value:g} ordinary windows before and after the gap in time")
    says = f"{number(after, 3)} steps/s after the gap of steps {gap.begin} to {gap.end}, {number(before, 3)} before it"
    evidence = (Evidence(says, None, gap.end, speed.windows.series),)
    if after < (1.0 - SLOWER.value) * before:
        return Present(evidence, settle="memory, clock and load of the machine, logged beside the steps")
    if after >= (1.0 - KEPT.value) * before:
        return Absent(evidence)
    return NotEvaluated(missing="more rows around the gap: the pace differs by less than its error allows to judge")


def _pace(speed: Throughput, begin: int | None, end: int | None) -> float | None:
    """Steps per second over the ordinary windows from `begin`, or up to `end`; `None` when they are too few."""
    windows = speed.windows
    pace = windows.seconds / windows.steps
    ordinary = pace < SLOW_FACTOR * speed.seconds_per_step
    side = windows.begin >= begin if begin is not None else windows.end <= (end or 0)
    rows = np.flatnonzero(ordinary & side)
    rows = rows[: int(MOST.value)] if begin is not None else rows[-int(MOST.value) :]
    if rows.size < FEWEST.value:
        return None
    return float(windows.steps[rows].sum() / windows.seconds[rows].sum())


RULE = Rule(
    code="SPD409",
    slug="slower-pace-after-gap",
    severity=Severity.WARNING,
    needs=("time/elapsed", "time/stamp", "time/remaining", "speed/steps_per_second"),
    check=check,
    thresholds=(SLOWER, KEPT, LEAST, FEWEST, MOST),
    since="0.2",
)
