"""The printed speed is a mean since the start and hides the present speed.

## What it sees
A printed speed that turns out to be steps divided by elapsed time since the start, and that differs by more than 15 %
from the speed over the last tenth of the log.

## Why it matters
The estimate of the remaining time is wrong by the same factor, and both a slowdown and its end are visible only
thousands of steps later.

## What it does not mean
A printed speed that falls for a long time is not a run that becomes slower: after one long pause the mean stays low and
creeps up while the run is as fast as ever.

## Example
`0.62 steps/s` is printed at step 2550, the last 175 steps went at 1.05 steps/s

## Check it by hand
Take two rows, divide the difference of steps by the difference of elapsed seconds.

## References
- Arithmetic of means: `elapsed = step / speed`
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import duration, number, percent
from trainclinic.signals.measured import Measured

BIAS = Threshold(
    "relative difference", 0.15, "1", "evaluations and the first steps alone make a mean several % too low"
)


def check(run: Measured) -> Verdict:
    """Compare the last printed mean with the speed of the last windows."""
    speed = run.throughput
    printed = run.record.get("speed/steps_per_second")
    if speed is None or printed is None:
        return NotEvaluated(missing="a printed speed in steps per second")
    if speed.speed_kind == "unclear":
        return NotEvaluated(
            missing="elapsed time beside the printed speed, to tell a mean from the speed of the moment"
        )
    mean, bias = speed.printed_speed, speed.bias
    if mean is None or bias is None:
        return Absent((Evidence("the printed speed is that of the moment", None, None, "speed/steps_per_second"),))
    row = printed.row_at(mean[1])
    source = printed.source(row) if row is not None else None
    says = (
        f"printed speed is {number(mean[0], 3)} steps/s at step {mean[1]}, a mean since the start; "
        f"the last windows went at {number(speed.recent_speed, 3)} steps/s"
    )
    evidence = Evidence(says, source, mean[1], "speed/steps_per_second")
    if abs(bias - 1.0) <= BIAS.value:
        return Absent((evidence,))
    word = "faster" if bias > 1 else "slower"
    rest = speed.remaining_seconds
    still = f" At this pace {duration(rest)} are left." if rest else ""
    return Present((evidence,), means=f"The run is {percent(abs(bias - 1.0))} {word} than it prints.{still}")


RULE = Rule(
    code="SPD407",
    slug="cumulative-speed-bias",
    severity=Severity.NOTE,
    needs=("speed/steps_per_second", "time/elapsed", "time/remaining"),
    check=check,
    thresholds=(BIAS,),
)
