"""What is true of a run and harmless in itself: precision, hardware, method, data layout, course.

This room answers strictly: present where it was read, absent only where the opposite was read or is certain. A setting
that nobody states counts neither way, since causes that need a circumstance are excluded without it.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.catalogue.circumstance import Circumstance
    from trainclinic.catalogue.verdict import Verdict
    from trainclinic.signals.measured import Measured

MODULES = (
    "precision",
    "hardware",
    "parallelism",
    "method",
    "objective",
    "kernels",
    "layout",
    "model",
    "course",
    "observation",
    "defects",
)


@cache
def all_circumstances() -> dict[str, Circumstance[Measured]]:
    """Every circumstance by code, in order of code.

    Raises:
        ValueError: If a code or slug is used twice.
    """
    found: dict[str, Circumstance[Measured]] = {}
    slugs: set[str] = set()
    for name in MODULES:
        for one in importlib.import_module(f"{__name__}.{name}").CIRCUMSTANCES:
            if one.code in found or one.slug in slugs:
                message = f"`{one.code} {one.slug}` of `{name}.py` repeats a code or a slug"
                raise ValueError(message)
            found[one.code] = one
            slugs.add(one.slug)
    return dict(sorted(found.items()))


def circumstances_of(measured: Measured) -> tuple[tuple[Circumstance[Measured], Verdict], ...]:
    """Every circumstance with its verdict about a run, in order of code."""
    return tuple((one, one.check(measured)) for one in all_circumstances().values())
