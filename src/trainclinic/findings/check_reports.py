"""What reports of checks said, as evidence: the same sentences for every rule that reads them.

It knows kinds of events. It does not know what a check found wrong: rules say that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trainclinic.record.parts import Event
    from trainclinic.signals.measured import Measured

MOST_SHOWN = 3


def told(events: Iterable[Event]) -> tuple[Evidence, ...]:
    """The first lines of a check, as evidence."""
    return tuple(Evidence(f"a check says: {e.says}", e.source, e.step) for e in tuple(events)[:MOST_SHOWN])


def verdict_of(run: Measured, bad: str, good: str, missing: str, milder: Severity | None = None) -> Verdict:
    """Present when a check found something, absent when one found the opposite.

    Args:
        run: The run.
        bad: Kind of event that tells of it.
        good: Kind of event that tells of the opposite.
        missing: What to check when nothing tells.
        milder: Severity where both were found.
    """
    found, fine = run.record.events_of(bad), run.record.events_of(good)
    if found:
        return Present((*told(found), *told(fine)[:1]), severity=milder if fine else None)
    return Absent(told(fine)) if fine else NotEvaluated(missing=missing)


def beyond(
    run: Measured, kind: str, is_bad: Callable[[float], bool], missing: str, fine: tuple[str, ...] = ()
) -> Verdict:
    """Present when a number that checks printed is one of the bad ones, absent when none is.

    Args:
        run: The run.
        kind: Kind of event that carries the number.
        is_bad: Which numbers are bad.
        missing: What to check when no number was printed.
        fine: Kinds of events that tell that it was looked for.
    """
    events = [event for event in run.record.events_of(kind) if event.value is not None]
    bad = [event for event in events if event.value is not None and is_bad(event.value)]
    if bad:
        return Present(told(bad))
    looked = (*events, *run.record.events_of(*fine))
    return Absent(told(looked)[:1]) if looked else NotEvaluated(missing=missing)
