"""Training loops that a script writes itself: backward passes, and what happens around them in order."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import Activation, CallEvent, Loop
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import root
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.open_values import Parameter, Setting
from trainclinic.script.program.values import Attribute, Call, Choice, External, Item, Operation, Unknown, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

Stepper = Literal["optimizer", "scheduler", "scaler", "engine", "other"]
_OPTIMIZER_NAME = re.compile(r"(^|_)(opt|optim|optimi[sz]ers?|opt\w{0,3})($|_)|optim", re.I)
_SCHEDULER_NAME = re.compile(r"sched|warmup", re.I)
_SCALER_NAME = re.compile(r"scaler", re.I)
_ENGINE_NAME = re.compile(r"(^|_)(engine|model_engine|ds_engine)$", re.I)
_OPTIMIZER_CALL = re.compile(
    r"(torch\.optim\.(?!lr_scheduler)|bitsandbytes\.|.*\b(AdamW?|SGD|Adafactor|Lion|Muon|Sophia\w*|AdamW8bit|\w*Optimizer)$)"
)
_SCHEDULER_CALL = re.compile(
    r".*(lr_scheduler|get_\w*schedule\w*|get_scheduler|LambdaLR|\w+LR$|\w*Scheduler$|OneCycle)"
)


@dataclass(frozen=True, slots=True)
class TrainingLoop:
    """A loop with a backward pass.

    Attributes:
        loop: The innermost loop around the backward pass that also holds the optimizer's step; `None` for a function
            that does one step and is called from elsewhere.
        backward: Backward passes in it.
        events: Every call inside, in order, callees included.
        steps: Steps of optimizers (also through a gradient scaler or an engine).
        clears: Calls of `zero_grad`, or gradients set to `None`.
        schedules: Steps of learning-rate schedulers.
        clips: Gradient clippings.
    """

    loop: Loop | None
    backward: tuple[CallEvent, ...]
    events: tuple[CallEvent, ...]
    steps: tuple[CallEvent, ...] = field(default=())
    clears: tuple[CallEvent, ...] = field(default=())
    schedules: tuple[CallEvent, ...] = field(default=())
    clips: tuple[CallEvent, ...] = field(default=())


@asked_once
def training_loops(program: Program) -> list[TrainingLoop]:
    """Every training loop of the files, in order of its first backward pass.

    Args:
        program: The program.
    """
    backward = [event for event in program.calls if is_backward(event.call)]
    groups: dict[object, list[CallEvent]] = {}
    holders: dict[object, Loop | None] = {}
    for event in backward:
        loop = _loop_of(program, event)
        key: object = loop if loop is not None else event.activation
        groups.setdefault(key, []).append(event)
        holders[key] = loop
    return [_training_loop(program, holders[key], events) for key, events in groups.items()]


def _loop_of(program: Program, event: CallEvent) -> Loop | None:
    """The innermost loop with a step in it, else the innermost loop."""
    for loop in reversed(event.loops):
        if any(stepper_of(step) == "optimizer" or _is_engine(step) for step in program.calls_in(loop)):
            return loop
    return event.loops[-1] if event.loops else None


def _is_engine(event: CallEvent) -> bool:
    return stepper_of(event) in {"scaler", "engine"}


def _training_loop(program: Program, loop: Loop | None, backward: list[CallEvent]) -> TrainingLoop:
    if loop is not None:
        events = program.calls_in(loop)
    else:
        first = backward[0].activation
        events = [event for event in program.calls if _is_within(event, first)]
    return TrainingLoop(
        loop,
        tuple(backward),
        tuple(events),
        tuple(e for e in events if stepper_of(e) in {"optimizer", "scaler", "engine"}),
        tuple(e for e in events if e.call.method == "zero_grad"),
        tuple(e for e in events if stepper_of(e) == "scheduler"),
        tuple(e for e in events if e.call.method in {"clip_grad_norm_", "clip_grad_value_", "clip_grad_norm"}),
    )


def _is_within(event: CallEvent, activation: object) -> bool:
    seen: Activation | None = event.activation
    while seen is not None and seen is not activation:
        seen = seen.caller
    return seen is not None


def is_backward(call: Call) -> bool:
    """Whether a call is a backward pass: `loss.backward()`, `accelerator.backward(loss)`, `engine.backward(loss)`.

    Args:
        call: The call.
    """
    if call.method in {"manual_backward"}:
        return True
    return call.method == "backward" and isinstance(call.function, (Attribute, External)) and call.result is None


def is_plain_backward(call: Call) -> bool:
    """Whether a backward pass is that of a loss which nothing multiplies or scales right there.

    Args:
        call: The call of `backward`.
    """
    loss = call.receiver
    if not isinstance(call.function, Attribute) or call.method != "backward" or call.args:
        return False
    return not (isinstance(loss, Operation) and loss.symbol == "*") and not (
        isinstance(loss, Call) and loss.method in {"scale", "scale_loss"}
    )


def stepper_of(event: CallEvent) -> Stepper | None:
    """What a call of `.step` steps; `None` for every other call.

    Args:
        event: The call.
    """
    call = event.call
    if call.method != "step" or call.receiver is None:
        return None
    kind = kind_of_stepper(call.receiver)
    if kind == "other" and isinstance(call.node, ast.Call) and isinstance(call.node.func, ast.Attribute):
        kind = _kind_by_name(ast.unparse(call.node.func.value))
    if kind == "other" and len(call.args) == 1 and kind_of_stepper(call.args[0]) == "optimizer":
        return "scaler"
    return kind


def kind_of_stepper(value: Value) -> Stepper:
    """Whether an object with a `step` is an optimizer, a scheduler, a gradient scaler or an engine.

    Args:
        value: The object; one that nobody built in the files is judged by its name.
    """
    made = root(value) or value
    if isinstance(made, Choice) and made.options:
        made = made.options[0].value
    if isinstance(made, (Call, Instance)):
        kind = _kind_of_made(made)
        if kind != "other":
            return kind
    return _kind_by_name(called(value))


def _kind_of_made(made: Call | Instance) -> Stepper:
    if isinstance(made, Instance):
        names = [one.name for one in made.cls.lineage()]
    else:
        names = [name_of(made.function) or made.method]
    for name in names:
        if name.endswith("GradScaler"):
            return "scaler"
        if _SCHEDULER_CALL.match(name):
            return "scheduler"
        if _OPTIMIZER_CALL.match(name):
            return "optimizer"
        if name.endswith("deepspeed.initialize"):
            return "engine"
    return "other"


def _kind_by_name(name: str) -> Stepper:
    if _SCALER_NAME.search(name):
        return "scaler"
    if _SCHEDULER_NAME.search(name):
        return "scheduler"
    if _ENGINE_NAME.search(name):
        return "engine"
    return "optimizer" if _OPTIMIZER_NAME.search(name) else "other"


def called(value: Value) -> str:
    """What code calls an object: the name of a parameter, attribute or variable; empty when it has none.

    Args:
        value: The object.
    """
    if isinstance(value, (Parameter, Setting, Attribute)):
        return value.name
    if isinstance(value, Item) and isinstance(value.base, (Attribute, Parameter)):
        return value.base.name
    return value.code if isinstance(value, Unknown) else ""
