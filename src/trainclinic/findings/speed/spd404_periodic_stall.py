"""Slow steps recur with a fixed period.

## What it sees
At least three windows more than three times slower than the median at equal distances that no logged evaluation or
checkpoint explains; or evaluations and saves that take a fifth or more of the logged time. When every slow step is one
at which the configuration evaluates or saves, it says so, and is a note while they take less than a fifth. Unexplained
slow steps that take a third of the logged time or more are called harmful: they cost as much of every further step.

## Why it matters
The accelerator waits at each of these steps. Regular waiting can be removed: it is the most repeated cost of a run.

## What it does not mean
It is no sign of a failing device, and nothing is wrong with what is learned. Evaluation and saving are slow by nature;
only their share of the time is a finding.

## Example
`504 samples/s in all rows, 90 samples/s at steps 400, 800, 1200`

## Check it by hand
List the steps of the slowest rows and take their differences; compare them with the evaluation, save and shard sizes.

## References
- `torch.utils.data.DataLoader`: `num_workers=0` loads in the training process
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, duration, number, percent
from trainclinic.signals.measured import Measured
from trainclinic.signals.planned_pauses import DEAR, planned_pauses
from trainclinic.signals.throughput import FEWEST_PERIODIC, SLOW_FACTOR, Overhead, Periodic, Throughput

SLOW = Threshold("pace over the median", SLOW_FACTOR, "1", "ordinary windows rarely triple")
FEWEST = Threshold("slow windows", FEWEST_PERIODIC, "windows", "two distances are needed to be equal")
SHARE = Threshold(
    "share of evaluations and saves", DEAR, "1", "above that, evaluating half as often saves a tenth or more"
)

HEAVY = Threshold(
    "share of unexplained slow windows", 1 / 3, "1", "half as long again: what one pays for is mostly waiting"
)
LEAST = Threshold("time lost", 1.0, "s", "less than a second in a whole run costs nobody anything")


def check(run: Measured) -> Verdict:
    """Look for a period, then at the cost of evaluations and saves."""
    speed = run.throughput
    if speed is None:
        return NotEvaluated(missing="elapsed time or steps per second beside the steps")
    if speed.periodic is not None:
        return _periodic(run, speed, speed.periodic)
    overhead = speed.overhead
    if overhead is None or overhead.share < SHARE.value:
        cost = _cost(overhead) if overhead is not None else "no window recurs slowly"
        return Absent((Evidence(cost, None, None, speed.windows.series),))
    return Present(
        (Evidence(_cost(overhead), None, None, speed.windows.series),),
        means="The slow windows are those with an evaluation or a save.",
        severity=Severity.NOTE,
    )


def _periodic(run: Measured, speed: Throughput, found: Periodic) -> Present:
    steps = ", ".join(f"{step:,}" for step in found.steps[:4])
    says = (
        f"every {number(found.period)} steps a window is {number(found.factor, 2)} times slower than the median: "
        f"steps {steps}{' ...' if len(found.steps) > 4 else ''}"
    )
    series = run.record.get(speed.windows.series)
    row = series.row_at(found.steps[0]) if series is not None else None
    source = series.source(row) if series is not None and row is not None else None
    share = found.lost / max(speed.total, 1e-9)
    means = f"These windows cost {percent(share)} of the logged time." if speed.windows.covers_all else ""
    planned = " and ".join(planned_pauses(run, speed, found).values())
    if planned:
        means = f"They are the steps at which the configuration {planned}. {means}".strip()
    return Present(
        (Evidence(says, source, found.steps[0], speed.windows.series),),
        means=means,
        settle="" if planned else "time spent waiting for the next batch, logged beside the time of the step",
        severity=_severity(found.lost, planned=bool(planned), share=share if speed.windows.covers_all else 0.0),
    )


def _severity(lost: float, *, planned: bool, share: float) -> Severity | None:
    """What the waiting costs decides: nothing is wrong with what is learned."""
    if lost < LEAST.value:
        return Severity.NOTE
    if planned:
        return Severity.NOTE if share < SHARE.value else Severity.WARNING
    return None if share >= HEAVY.value else Severity.WARNING


def _cost(overhead: Overhead) -> str:
    share = f", {percent(overhead.share)} of the logged time" if overhead.share else ""
    return (
        f"{count(overhead.count, 'window')} with an evaluation or save take {duration(overhead.seconds)} longer{share}"
    )


RULE = Rule(
    code="SPD404",
    slug="periodic-stall",
    severity=Severity.HARMFUL,
    needs=("time/elapsed", "speed/seconds_per_step", "speed/samples_per_second", "eval/loss"),
    check=check,
    thresholds=(SLOW, FEWEST, SHARE, HEAVY, LEAST),
)
