"""The log ends in an exception.

## What it sees
A traceback, a fatal error or a failed allocation, after which the log does not say that training finished.

## Why it matters
What was planned after it did not happen: later steps, the last save, the final evaluation. Whatever the curve shows up
to there is a partial run.

## What it does not mean
The exception need not be the fault that matters: it may come from saving, from a tracker or from a second process, and
a run can be ruined long before it crashes. Stopping by hand is not an exception, and is not reported.

## Example
`torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB`

## Check it by hand
Read the last lines of the traceback, from the bottom; look for the newest checkpoint before it.

## References
- https://docs.python.org/3/tutorial/errors.html
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals.console import has_console
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Find an exception, and whether training finished all the same."""
    events = run.record.events_of("exception", "out-of-memory")
    if not events:
        if has_console(run.record):
            return Absent((Evidence("no traceback or fatal error in the log"),))
        return NotEvaluated(missing="the console output of the run")
    evidence = tuple(Evidence(f"the log says: {e.says}", e.source, e.step) for e in events[-2:])
    finished = run.record.events_of("training-finished")
    if finished:
        ended = Evidence(f"the log also says: {finished[-1].says}", finished[-1].source)
        return Present((*evidence, ended), means="Training itself came to its end.", severity=Severity.NOTE)
    return Present(evidence, means="Nothing says that training came to its planned end.")


RULE = Rule(
    code="SET710",
    slug="exception-in-log",
    severity=Severity.WARNING,
    needs=("events: exception, out-of-memory, training-finished",),
    check=check,
)
