"""From a prescription to the entries that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.report.model import FixEntry

if TYPE_CHECKING:
    from trainclinic.fixes.choice import Chosen
    from trainclinic.fixes.prescription import Prescription
    from trainclinic.report.model import FixGroup


def fix_entries(prescription: Prescription) -> tuple[FixEntry, ...]:
    """What to do, in the order in which to do it: now, as a precaution, later, and only if a test says so."""
    if prescription.state == "nothing to fix":
        return ()
    choice = prescription.choice
    conditional = _entries(prescription, choice.conditional, "if", 0)
    if prescription.state == "test first":
        return conditional
    groups = ((choice.immediate, "now"), (choice.precautions, "precaution"), (choice.longer, "later"))
    found: list[FixEntry] = []
    for chosen, group in groups:
        found += _entries(prescription, chosen, group, len(found))  # type: ignore[arg-type]
    return (*found, *_entries(prescription, choice.conditional, "if", len(found)))


def _entries(
    prescription: Prescription, chosen: tuple[Chosen, ...], group: FixGroup, after: int
) -> tuple[FixEntry, ...]:
    return tuple(_entry(prescription, one, group, at) for at, one in enumerate(chosen, start=after + 1))


def _entry(prescription: Prescription, one: Chosen, group: FixGroup, priority: int) -> FixEntry:
    why = {treats.cause: treats.why for treats in one.fix.treats}
    return FixEntry(
        slug=one.fix.slug,
        priority=priority,
        treats=tuple(suspect.slug for suspect in one.treats),
        change=one.fix.change,
        expect="; ".join(prescription.expectations(one)),
        title=one.fix.title,
        group=group,
        why=why[one.treats[0].slug],
        check=one.fix.check,
        restart=one.fix.restart,
        worth=round(one.worth, 3),
        minutes=one.fix.minutes,
        against=tuple(suspect.title for suspect in one.treats),
    )
