"""What a schedule is planned in and what it is stepped by: updates, micro-batches, batches or epochs.

It compares the length that the code gives with the loops around the step. A plain number tells no unit, unless it is
the number of epochs itself.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainclinic.script.alarm import Certainty
from trainclinic.script.program.accumulation import Accumulation, accumulations
from trainclinic.script.program.events import CallEvent, Loop
from trainclinic.script.program.loop_order import is_conditional
from trainclinic.script.program.names import name_of
from trainclinic.script.program.processes import loader_of
from trainclinic.script.program.reading import argument, constants, contains, only
from trainclinic.script.program.updates import Update, updates
from trainclinic.script.program.values import Call, Constant, Operation, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program
    from trainclinic.script.program.schedules import Schedule

Found = tuple[str, Certainty] | None


def mismatch(program: Program, schedule: Schedule, event: CallEvent) -> Found:
    """What is wrong between the plan of a schedule and its step, with the certainty; `None` when nothing is.

    Args:
        program: The program.
        schedule: The schedule.
        event: Where it is stepped.
    """
    mine = [update for update in updates(program) if update.optimizer is schedule.optimizer]
    if not mine or program.is_prepared(schedule.call) or schedule.optimizer is None:
        return None
    for one in accumulations(program):
        if one.update in mine:
            return _under_accumulation(schedule, one, event)
    return _per_epoch(schedule, mine[0], event) or _per_batch(schedule, mine[0], event)


def _under_accumulation(schedule: Schedule, one: Accumulation, event: CallEvent) -> Found:
    step = one.update.event
    if schedule.length is None or event.loops != step.loops:
        return None
    divided = contains(schedule.length, lambda value: _divides(value, one.every), limit=60) is not None
    if divided and is_conditional(step, event):
        return f"the schedule is planned in updates and stepped in each of `{one.count}` micro-batches", Certainty.PROOF
    in_batches = contains(schedule.length, _is_length, limit=60) is not None
    plain = (
        contains(schedule.length, lambda value: isinstance(value, Operation) and "/" in value.symbol, limit=60) is None
    )
    if in_batches and plain and not is_conditional(step, event):
        return f"the schedule is planned in micro-batches and stepped once in `{one.count}` of them", Certainty.LIKELY
    return None


def _divides(value: Value, every: Value) -> bool:
    if not isinstance(value, Operation) or value.symbol not in {"/", "//"}:
        return False
    by = value.operands[1]
    return by is every or (isinstance(by, Constant) and by.value == only(every))


def _is_length(value: Value) -> bool:
    return isinstance(value, Call) and name_of(value.function) == "builtins.len"


def _per_epoch(schedule: Schedule, update: Update, event: CallEvent) -> Found:
    """Stepped once per epoch, planned in batches."""
    inner = update.event.loops
    if len(event.loops) >= len(inner) or inner[: len(event.loops)] != event.loops or not event.loops:
        return None
    if not any(_goes_through_batches(loop) for loop in inner[len(event.loops) :]):
        return None
    per_epoch = argument(schedule.call, "steps_per_epoch")
    in_batches = schedule.length is not None and contains(schedule.length, _is_length, limit=60) is not None
    if per_epoch is not None or in_batches:
        return "the schedule is planned in batches and stepped once per epoch", Certainty.PROOF
    return None


def _goes_through_batches(loop: Loop) -> bool:
    over = loop.over
    return loader_of(loop) is not None or (isinstance(over, Call) and over.method in {"enumerate", "tqdm", "zip"})


def _per_batch(schedule: Schedule, update: Update, event: CallEvent) -> Found:
    """Stepped in every batch, planned in epochs."""
    if event.loops != update.event.loops or len(event.loops) < 2 or not _goes_through_batches(event.loops[-1]):
        return None
    epochs = _count(event.loops[-2])
    if epochs is None or schedule.length is None:
        return None
    if schedule.length is epochs and not isinstance(epochs, Constant):
        return (
            f"the schedule is planned for `{_code(event.loops[-2])}` epochs and stepped in every batch",
            Certainty.PROOF,
        )
    if constants(epochs) and constants(schedule.length) == constants(epochs):
        return f"the schedule is as long as the {only(epochs)} epochs and is stepped in every batch", Certainty.LIKELY
    return None


def _count(loop: Loop) -> Value | None:
    """The number of rounds of `for epoch in range(n)`."""
    over = loop.over
    while isinstance(over, Call) and over.method in {"tqdm", "trange", "enumerate"} and over.args:
        if over.method == "trange":
            return over.args[-1]
        over = over.args[0]
    return over.args[-1] if isinstance(over, Call) and over.method == "range" and len(over.args) in {1, 2} else None


def _code(loop: Loop) -> str:
    """The code of the number of rounds."""
    node = loop.over.node
    while isinstance(node, ast.Call) and node.args:
        node = node.args[-1] if _last_word(node) in {"range", "trange"} else node.args[0]
    return ast.unparse(node) if node is not None else ""


def _last_word(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]
