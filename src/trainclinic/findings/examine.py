"""Run every rule over one measured run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from trainclinic import findings
from trainclinic.catalogue.finding import Finding, in_order
from trainclinic.catalogue.load import Entry, load_entries

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured


@cache
def all_rules() -> dict[str, Entry[Measured]]:
    """Every rule of this room, by code."""
    return load_entries(findings)


def examine(measured: Measured) -> tuple[Finding, ...]:
    """Ask every rule; present findings first, the most harmful first, then by code."""
    answers = (Finding(entry, entry.rule.check(measured)) for entry in all_rules().values())
    return tuple(sorted(answers, key=in_order))
