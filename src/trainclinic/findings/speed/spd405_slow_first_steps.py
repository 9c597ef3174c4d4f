"""The first steps are far slower than the rest.

## What it sees
The first window of the log at more than three times the median seconds per step, costing more than ten seconds beyond
the median pace.

## Why it matters
The time goes into compilation, first-time allocation, data preparation or a first evaluation. It matters in short runs
and where it happens again after each restart or each new input length.

## What it does not mean
It is no slowdown, and speeds or estimates printed early in the run are too low because of it. Once is normal.

## Example
`step 0 dt 312.4s, step 1 dt 21.6s, step 2 dt 18.9s`

## Check it by hand
Compare the time of the first step with that of the tenth.

## References
- `torch.compile`: compiles at the first call, and again for new shapes
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import duration, number, percent
from trainclinic.signals.measured import Measured

SLOW = Threshold("pace over the median", 3.0, "1", "a first window with its allocation is often twice as slow")
LEAST = Threshold("seconds beyond the median pace", 10.0, "s", "shorter warm-up is not worth a line")
COSTLY = Threshold("share of the logged time", 0.1, "1", "a tenth of the whole run went into its beginning")


def check(run: Measured) -> Verdict:
    """Compare the first window with the median."""
    speed = run.throughput
    if speed is None or speed.windows.is_relative:
        return NotEvaluated(missing="elapsed time or seconds per step from the first step on")
    history = run.resume
    extra, factor = speed.start_up
    windows = speed.windows
    if windows.begin[0] > windows.steps[0] and not (history is not None and history.start_step):
        return NotEvaluated(missing="elapsed time of the first steps")
    pace = number(float(windows.per_step[0]), 3)
    one = windows.steps[0] == 1
    which = f"step {windows.end[0]} takes" if one else f"steps {windows.begin[0]} to {windows.end[0]} take"
    says = f"{which} {pace} s{'' if one else '/step'}, the median is {number(speed.seconds_per_step, 3)} s/step"
    series = run.record.get(windows.series)
    row = series.row_at(int(windows.end[0])) if series is not None else None
    source = series.source(row) if series is not None and row is not None else None
    evidence = Evidence(says, source, int(windows.end[0]), windows.series)
    if factor < SLOW.value or extra - float(windows.error[0]) < LEAST.value:
        return Absent((evidence,))
    share = extra / max(speed.total, extra)
    return Present(
        (evidence,),
        means=f"{duration(extra)} beyond the later pace, {percent(share)} of the logged time.",
        severity=None if share >= COSTLY.value and speed.total > 600 else Severity.NOTE,
    )


RULE = Rule(
    code="SPD405",
    slug="slow-first-steps",
    severity=Severity.WARNING,
    needs=("time/elapsed", "speed/seconds_per_step"),
    check=check,
    thresholds=(SLOW, LEAST, COSTLY),
)
