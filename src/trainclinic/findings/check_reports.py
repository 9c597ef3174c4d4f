"""What reports of checks said, as evidence: the same sentences for every rule that reads them.

It knows kinds of events. It does not know what a check found wrong: rules say that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

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
