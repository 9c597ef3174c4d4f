"""Calls that train, and the code around them: which statements hold them, in whatever function they stand.

It knows `trainer.train()` of trainers that the files build, and backward passes. Training behind a function that is not
among the files is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import Activation, CallEvent
from trainclinic.script.program.once import listed_once
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.values import Choice, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program
    from trainclinic.script.sources.source import SourceFile


@listed_once
def trainer_runs(program: Program) -> Iterator[tuple[Trainer, CallEvent]]:
    """Calls of `train` of a trainer, in order.

    Args:
        program: The program.
    """
    built = {trainer.call: trainer for trainer in trainers(program)}
    for event in program.calls:
        if event.call.method == "train" and event.call.receiver is not None:
            made = _made(event.call.receiver)
            if made in built:
                yield built[made], event


def _made(value: Value) -> Value | None:
    """The call that built an object."""
    if isinstance(value, Choice) and value.options:
        value = value.options[0].value
    return value.call if isinstance(value, Instance) else value


def training_events(program: Program) -> Iterator[CallEvent]:
    """Calls of `train` of trainers, and backward passes of own loops.

    Args:
        program: The program.
    """
    yield from (event for _, event in trainer_runs(program))
    for loop in training_loops(program):
        yield from loop.backward


def stands_in(event: CallEvent, statements: Iterable[ast.stmt], file: SourceFile) -> bool:
    """Whether an event happens in some statements, or in what they call.

    Args:
        event: The event.
        statements: The statements.
        file: Their file.
    """
    spans = [(one.lineno, one.end_lineno or one.lineno) for one in statements]
    return any(
        holder is file and any(first <= getattr(node, "lineno", 0) <= last for first, last in spans)
        for node, holder in _chain(event)
    )


def _chain(event: CallEvent) -> Iterator[tuple[ast.AST, SourceFile]]:
    """The code of an event, then of each call that led to it."""
    yield event.node, event.file
    held: Activation | None = event.activation
    while held is not None:
        if held.call is not None and held.call.node is not None and held.call.file is not None:
            yield held.call.node, held.call.file
        held = held.caller
