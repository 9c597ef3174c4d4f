"""Two logs of one run, value by value: where they agree the run has one value with two sources, else that is told.

Quantities of the machine (times, speed, memory) are left out: two writers measure them at two moments. It knows numbers
and steps only; which log is right is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.folders.same_run import aligned, values_agree
from trainclinic.record.facts import Fact
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.readers.fragment import Column, Fragment

AGREES, DISAGREES = "agrees_with", "disagrees_with"
_OF_THE_MACHINE = ("time/", "speed/", "memory/")


def agreement(one: Fragment, two: Fragment) -> list[Fact]:
    """What two logs of the same run say about each other's values.

    Args:
        one: The log whose values the run keeps.
        two: The other one.

    Returns:
        For each quantity with a value that differs a fact `disagrees_with`: how often, and the first such values. If
        some agree, one fact `agrees_with`: how many values, and of which log.
    """
    if one.axis != "step" or two.axis != "step":
        return []
    facts: list[Fact] = []
    agreeing = 0
    for name, column in one.columns.items():
        other = two.columns.get(name)
        if other is None or name.startswith(_OF_THE_MACHINE) or column.unit != other.unit:
            continue
        steps, left, right = aligned(column, other)
        same = values_agree(column, other, left, right)
        agreeing += int(same.sum())
        if not same.all():
            first = int(np.argmin(same))
            places = (_place(one, column, int(steps[first])), _place(two, other, int(steps[first])))
            values = f"{left[first]:.6g} in `{places[0].path}` and {right[first]:.6g} in `{places[1].path}`"
            says = f"`{name}` at step {int(steps[first]):,} is {values}; {_share(same)}"
            facts.append(Fact(DISAGREES, says, places[1], "inferred"))
    if agreeing:
        facts.append(Fact(AGREES, f"{agreeing:,} values, `{two.file}`", Source(two.file), "inferred"))
    return facts


def _share(same: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    return f"{int((~same).sum()):,} of {same.size:,} shared values differ"


def _place(fragment: Fragment, column: Column, step: int) -> Source:
    at = int(np.flatnonzero(np.asarray(column.step) == step)[-1])
    return Source(fragment.file, int(np.asarray(column.line)[at]) or None)
