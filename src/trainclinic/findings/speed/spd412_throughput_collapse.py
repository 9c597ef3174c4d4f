"""The steps become several times slower than they were.

## What it sees
A drift or a lasting change of the seconds per step, evaluations and gaps left out, after which the run makes at most
0.45 of the steps per second that it made before.

## Why it matters
No clock of an accelerator falls that far by heat alone: something else is waited for, such as memory that lies on disk.

## What it does not mean
Rows that became much longer, or another job on the same device, slow a run as much, and by right.

## Example
`2.4 steps/s in the first rows, 0.2 steps/s in the last ones`

## Check it by hand
Divide the first and the last printed speed.

## References
- https://github.com/kyutai-labs/pocket-tts/pull/255
- https://github.com/pytorch/pytorch/pull/188045
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

LEFT = Threshold("speed over the speed before", 0.45, "1", "chips that throttle keep about half of their clock")


SURE = Threshold("difference over its standard error", 4.0, "1", "two halves of a steady run never differ by so much")


def check(run: Measured) -> Verdict:
    """Look how much of the speed a drift or a step change leaves."""
    speed = run.throughput
    drift, step = (speed.drift, speed.change) if speed is not None else (None, None)
    if drift is not None and drift.apart and drift.change < 0:
        left = 1.0 + drift.change
    elif step is not None and step.t_value >= SURE.value and step.change < 0:
        left = 1.0 + step.change
    else:
        return NotEvaluated(missing="a drift or a lasting change to a lower speed")
    name = speed.windows.series if speed is not None else ""
    evidence = (Evidence(f"the run keeps {number(left, 2)} of its speed", None, None, name),)
    return Present(evidence) if left <= LEFT.value else Absent(evidence)


RULE = Rule(
    code="SPD412",
    slug="throughput-collapse",
    severity=Severity.HARMFUL,
    needs=("time/elapsed", "time/remaining", "speed/steps_per_second", "speed/seconds_per_step"),
    check=check,
    thresholds=(LEFT, SURE),
    since="0.2",
)
