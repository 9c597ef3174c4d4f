"""The seconds per step change level at one point and stay there.

## What it sees
Two levels of the seconds per step that describe the run better than a straight line does, the later one at least 15 %
slower and the difference more than four standard errors. Evaluations, gaps in time and the first window are left out.

## Why it matters
From that point on the run costs more for the same steps. What changed at that step (another process on the device, a
fallback, longer batches, swapping) can usually be found and undone.

## What it does not mean
A single slow window is a gap in time, not a change. A printed mean since the start that falls is no sign of it: after
one long pause such a mean stays low although the run is as fast as before.

## Example
`410 ms a step until step 4,000, 690 ms from there on`

## Check it by hand
Take differences of elapsed time over equal numbers of steps, before and after the point.

## References
- Least squares with two levels against one line, both with two parameters
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.measured import Measured

CHANGE = Threshold("loss of speed", 0.15, "1", "public logs of healthy runs on shared machines show up to 14 %")
ERRORS = Threshold("standard errors", 4.0, "1", "the best of all split points is chosen, so chance is allowed more")


def check(run: Measured) -> Verdict:
    """Judge the change of level that the throughput signal found."""
    speed = run.throughput
    if speed is None:
        return NotEvaluated(missing="elapsed time or steps per second beside the steps")
    change, name = speed.change, speed.windows.series
    if change is None:
        if speed.drift is None:
            return NotEvaluated(missing="at least six windows of ordinary steps with elapsed time")
        return Absent((Evidence(f"no lasting change of speed up to step {speed.drift.end}", None, None, name),))
    unit = "" if speed.windows.is_relative else " steps/s"
    levels = f"from {number(change.before, 3)} to {number(change.after, 3)}{unit} at step {change.step}"
    evidence = Evidence(f"speed goes {levels} and stays there until step {change.last}", None, change.step, name)
    if change.change > -CHANGE.value or change.t_value < ERRORS.value:
        return Absent((evidence,))
    return Present(
        (evidence,),
        means=f"From there on the run has {percent(-change.change)} less speed.",
        settle="what else ran on the machine from that step on",
    )


RULE = Rule(
    code="SPD403",
    slug="throughput-step-change",
    severity=Severity.WARNING,
    needs=("time/elapsed", "time/remaining", "speed/steps_per_second", "speed/seconds_per_step"),
    check=check,
    thresholds=(CHANGE, ERRORS),
)
