"""Which code runs together: a folder often holds several scripts, and what one does says nothing about another.

It knows entry files and imports. Scripts that hand results on through files are apart for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainclinic.script.program.once import asked_once
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.values import Call

if TYPE_CHECKING:
    from trainclinic.script.program.events import Event
    from trainclinic.script.program.program import Program
    from trainclinic.script.sources.source import SourceFile


def entry_of(event: Event) -> SourceFile:
    """The file whose code led to an event, through all calls.

    Args:
        event: The event.
    """
    held = event.activation
    while held.caller is not None:
        held = held.caller
    return held.file


def run_together(program: Program, one: Call, two: Call) -> bool:
    """Whether two calls belong to one script: the same entry file, or one that imports the other.

    Args:
        program: The program.
        one: A call.
        two: Another call.
    """
    first, second = entry_of(one.event), entry_of(two.event)
    return first is second or first in program.reached_from(second) or second in program.reached_from(first)


def together(program: Program, call: Call, others: Iterable[Call]) -> list[Call]:
    """Those calls that belong to one script with a call.

    Args:
        program: The program.
        call: The call.
        others: Other calls.
    """
    return [other for other in others if run_together(program, call, other)]


@asked_once
def trainings(program: Program) -> list[Call]:
    """Calls that train: trainers that are built, and backward passes of own loops.

    Args:
        program: The program.
    """
    own = [event.call for loop in training_loops(program) for event in loop.backward]
    return [one.call for one in trainers(program)] + own
