"""Every rule of this room, asked of one tested model.

It knows how rules are found. It does not know what a failed model is.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from trainclinic.catalogue.finding import Finding
from trainclinic.catalogue.load import Entry, load_entries

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested


@cache
def rules_of_models() -> dict[str, Entry[Tested]]:
    """Every rule of this room, by code."""
    from trainclinic import validation

    return load_entries(validation)


def examine(tested: Tested) -> list[Finding]:
    """Ask every rule.

    Args:
        tested: What was measured.
    """
    return [Finding(entry, entry.rule.check(tested)) for entry in rules_of_models().values()]
