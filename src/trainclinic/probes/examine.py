"""Every probe of this room, by code, and the order they are asked in.

It knows how probes are found. It does not know when a run has to be stopped.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from trainclinic.catalogue.load import Entry, load_entries
from trainclinic.probes.rule import Cost, Probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


@cache
def all_probes() -> dict[str, Entry[Live]]:
    """Every probe of this room, by code."""
    from trainclinic import probes

    return load_entries(probes)


def cost_of(entry: Entry[Live]) -> Cost:
    """What has to be run for its answer."""
    return entry.rule.cost if isinstance(entry.rule, Probe) else Cost.LOOK


def in_asking_order() -> tuple[Entry[Live], ...]:
    """All probes: those that run nothing first, those that run much last, by code within a cost."""
    return tuple(sorted(all_probes().values(), key=lambda entry: (cost_of(entry), entry.rule.code)))
