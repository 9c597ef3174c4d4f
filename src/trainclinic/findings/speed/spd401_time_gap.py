"""Wall time passes with hardly any steps.

## What it sees
One to three windows between logged steps that take more than three times the median pace, beyond the error of the
clock, after which the run goes on as before. Elapsed time is taken from every source in the log: exact clock rows, time
stamps, and cumulative speeds and remaining-time estimates turned back into seconds.

## Why it matters
The time is lost, and every mean over the whole run (printed speed, remaining time, tokens per second) is wrong from
then on, often for the rest of the run.

## What it does not mean
It is no slowdown of the training: the speed before and after tells that. It does not say that memory was short or that
the loss at this time is suspect; a computer that sleeps, a preempted job and a paused notebook all look like this.

## Example
`step 2325 | 0.95 steps/s`, `step 2350 | 0.69 steps/s`: 944 s for 25 steps

## Check it by hand
Turn the printed mean speed into elapsed seconds, step divided by speed, and take differences.

## References
- Arithmetic of means: `elapsed = step / speed`; `elapsed = remaining * step / (planned - step)`
"""

from __future__ import annotations

import math

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, duration, number, percent
from trainclinic.signals.measured import Measured
from trainclinic.signals.throughput import SLOW_FACTOR, Stall, Throughput

SLOW = Threshold(
    "pace over the median", SLOW_FACTOR, "1", "evaluations and long batches double a window, rarely triple it"
)
LEAST = Threshold("seconds lost", 30.0, "s", "below that nobody would have waited for it")
SHARE = Threshold("share of the logged time", 0.02, "1", "below that no printed mean is visibly wrong")
COSTLY = Threshold("share of the logged time", 0.1, "1", "a tenth of the bill, and beyond the noise of any estimate")


def check(run: Measured) -> Verdict:
    """List gaps that cost enough to tell."""
    speed = run.throughput
    if speed is None or speed.windows.is_relative:
        return NotEvaluated(missing="elapsed time or steps per second beside the steps")
    told = [stall for stall in speed.stalls if _is_worth_telling(stall, speed)]
    if not told:
        says = f"no gap among {count(len(speed.windows), 'window')}, median {number(speed.seconds_per_step)} s/step"
        return Absent((Evidence(says, None, None, speed.windows.series),))
    told.sort(key=lambda stall: -stall.lost)
    lost = sum(stall.lost for stall in told)
    share = lost / max(speed.total, lost)
    after = f", {number(speed.recent_speed, 3)} steps/s at the end" if told[0].recovered else ""
    return Present(
        tuple(_evidence(run, stall, speed) for stall in told[:5]),
        means=f"{duration(lost)} lost, {percent(share)} of the logged time{after}.",
        settle="the system log of that time (sleep, suspend, preemption, disk)",
        severity=None if share >= COSTLY.value and speed.windows.covers_all else Severity.NOTE,
    )


def _is_worth_telling(stall: Stall, speed: Throughput) -> bool:
    whole = speed.total if speed.windows.covers_all else 0.0
    return stall.lost - stall.error >= max(LEAST.value, SHARE.value * whole)


def _evidence(run: Measured, stall: Stall, speed: Throughput) -> Evidence:
    normal = (stall.end - stall.begin) * speed.seconds_per_step
    says = (
        f"{number(round(stall.seconds))} s for steps {stall.begin} to {stall.end}, {number(round(normal))} s at the "
        f"median pace: {number(round(stall.lost))} s lost (at most {math.ceil(stall.error)} s off)"
    )
    series = run.record.get("speed/steps_per_second") or run.record.get(speed.windows.series)
    row = series.row_at(stall.end) if series is not None else None
    name = series.name if series is not None else ""
    return Evidence(says, series.source(row) if series is not None and row is not None else None, stall.end, name)


RULE = Rule(
    code="SPD401",
    slug="time-gap",
    severity=Severity.WARNING,
    needs=("time/elapsed", "time/stamp", "time/remaining", "speed/steps_per_second"),
    check=check,
    thresholds=(SLOW, LEAST, SHARE, COSTLY),
)
