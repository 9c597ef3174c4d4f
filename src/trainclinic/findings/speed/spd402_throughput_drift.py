"""The seconds per step rise smoothly.

## What it sees
A trend of the seconds per step on the longest stretch without a gap in time, evaluations and the first window left out:
at least 15 % slower at the end (10 % when every window is slower than the one before), more than 5 % in 1,000 steps,
and beyond chance by a trend test that allows for autocorrelation, or 25 % with each window of the last third slower
than each of the first. A lasting change at one point is another symptom.

## Why it matters
A run that becomes slower and slower takes much longer than its estimate, and whatever grows (memory, heat, logs, a list
that is kept) may end it.

## What it does not mean
The printed mean since the start cannot show it in time. A drift is not caused by the loss or the learning rate; batches
that become longer (sorting by length, a curriculum) slow a run by right.

## Example
`1.13 steps/s over steps 25 to 475, 0.90 steps/s over steps 1525 to 1975`

## Check it by hand
Divide steps by seconds for the first and the last fifth of a stretch without evaluations.

## References
- Theil 1950, Sen 1968: slope; Mann 1945, Kendall 1975: trend test
"""

from __future__ import annotations

from itertools import pairwise

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.measured import Measured

SLOPE = Threshold("growth of seconds per step", 0.05, "1 per 1,000 steps", "slower growth is lost among other loads")
CHANGE = Threshold("loss of speed", 0.15, "1", "public logs of healthy runs on shared machines show up to 14 %")
STEADY = Threshold("loss of speed, every window slower", 0.1, "1", "what comes and goes does not slow each window")
GREAT = Threshold(
    "loss of speed, last third apart from the first",
    0.25,
    "1",
    "a bent course is no straight trend, and still no chance",
)
CHANCE = Threshold("p-value", 0.01, "1", "one stretch is tested in each run")


def check(run: Measured) -> Verdict:
    """Judge the trend that the throughput signal found."""
    speed = run.throughput
    if speed is None:
        return NotEvaluated(missing="elapsed time or steps per second beside the steps")
    drift, name = speed.drift, speed.windows.series
    if drift is None:
        if speed.change is not None:
            return Absent(
                (Evidence("a change at one point describes the speed better than a drift", None, None, name),)
            )
        return NotEvaluated(missing="at least six windows of ordinary steps with elapsed time")
    unit = "" if speed.windows.is_relative else " steps/s"
    levels = (
        f"{number(drift.first_speed, 3)} to {number(drift.last_speed, 3)}{unit} from step {drift.begin} to {drift.end}"
    )
    least = STEADY.value if drift.every_window else CHANGE.value
    sure = drift.p_value < CHANCE.value or (drift.apart and drift.change <= -GREAT.value)
    slower = drift.change <= -least and drift.per_thousand > SLOPE.value and sure
    if not slower:
        return Absent((Evidence(f"speed goes from {levels}", None, drift.end, name),))
    says = f"speed falls by {percent(-drift.change)}, {levels}, evaluations and gaps left out"
    evidence = [Evidence(says, None, drift.end, name)]
    between = _between_evaluations(run, drift.begin, drift.end)
    if between:
        evidence.append(Evidence(between, None, drift.end, "time/elapsed"))
    long = drift.end - drift.begin >= 200  # a rate per 1,000 steps says nothing about a handful of them
    return Present(
        tuple(evidence),
        means=f"Seconds per step grow by {percent(drift.per_thousand)} in 1,000 steps." if long else "",
        settle="clock and temperature of the accelerator, and memory of the process, logged beside the steps",
    )


def _between_evaluations(run: Measured, begin: int, end: int) -> str:
    """Speeds between evaluations over the stretch, as the log's own clock rows give them."""
    losses, clock = run.eval_loss, run.throughput.clock if run.throughput is not None else None
    if losses is None or clock is None:
        return ""
    told = []
    for first, last in pairwise(int(step) for step in losses.step if step <= end):
        speed = clock.speed_between(first, last)
        if speed is not None and last > begin:
            told.append(f"{number(speed[0], 3)} (to {last})")
    shown = told if len(told) <= 8 else [*told[:4], "...", *told[-3:]]
    return f"speed from evaluation to evaluation, in steps/s: {', '.join(shown)}" if len(told) >= 3 else ""


RULE = Rule(
    code="SPD402",
    slug="throughput-drift",
    severity=Severity.WARNING,
    needs=("time/elapsed", "time/remaining", "speed/steps_per_second", "speed/seconds_per_step"),
    check=check,
    thresholds=(SLOPE, CHANGE, STEADY, CHANCE, GREAT),
)
