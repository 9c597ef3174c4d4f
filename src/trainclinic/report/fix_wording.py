"""What to do, in the words that every format uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import inside
from trainclinic.fixes.fix import START_AGAIN

if TYPE_CHECKING:
    from trainclinic.report.model import Document, FixEntry

HEADING = "What to do"
FILES = (
    "`trainclinic prescribe` with the same files and `-o DIR` writes the plan, the corrected recipe, a script that "
    "trains it, a notebook for a rented GPU and a test of the model"
)
"""Where the whole plan comes from."""
_GROUPS = {
    "precaution": "Precautions that cost nothing",
    "later": "Longer term",
    "if": "Only if the evidence points there",
}
"""Headings of the groups that are told in a line each."""


def now(document: Document) -> tuple[FixEntry, ...]:
    """What is to be done before the next run."""
    return tuple(fix for fix in document.fixes if fix.group == "now")


def lead(document: Document) -> str:
    """The sentence below the heading; empty when the fixes speak for themselves."""
    if now(document):
        return ""
    return "Nothing yet: the evidence does not decide what is wrong, and a guess could hide the fault. Settle it first."


def rows(fix: FixEntry) -> list[tuple[str, str]]:
    """A fix as labelled sentences."""
    told = [
        ("do", fix.change),
        ("against", "; ".join(map(inside, fix.against))),
        ("because", fix.why),
        ("expect", fix.expect),
        ("check", fix.check),
    ]
    return [(label, text) for label, text in told if text]


def start(document: Document) -> str:
    """What to go on from, after everything that is to be done now; empty when nothing is."""
    order = list(START_AGAIN)
    ways = [fix.restart for fix in now(document) if fix.restart in order]
    return START_AGAIN[min(ways, key=order.index)] if ways else ""


def groups(document: Document) -> list[tuple[str, Sequence[str]]]:
    """The other fixes, a heading and a line each."""
    found: list[tuple[str, Sequence[str]]] = []
    for group, heading in _GROUPS.items():
        lines = [_line(fix) for fix in document.fixes if fix.group == group]
        if lines:
            found.append((heading, lines))
    return found


def _line(fix: FixEntry) -> str:
    against = ", ".join(map(inside, fix.against[:2]))
    return f"{fix.title} (`{fix.slug}`): {'if it is' if fix.group == 'if' else 'against'} {against}"
