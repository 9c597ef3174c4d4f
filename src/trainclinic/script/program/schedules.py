"""Learning-rate schedules: which optimizer they belong to, how long they are planned for, and where they are stepped.

It knows the schedules of torch, transformers and diffusers by their arguments. What a function of an own schedule
computes is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.names import name_of
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.reading import argument
from trainclinic.script.program.training_loops import kind_of_stepper
from trainclinic.script.program.updates import optimizer_of
from trainclinic.script.program.values import Call, External, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

_LENGTHS: dict[str, tuple[str, int]] = {
    "CosineAnnealingLR": ("T_max", 1),
    "CosineAnnealingWarmRestarts": ("T_0", 1),
    "StepLR": ("step_size", 1),
    "LinearLR": ("total_iters", 3),
    "PolynomialLR": ("total_iters", 1),
    "OneCycleLR": ("total_steps", 2),
    "get_linear_schedule_with_warmup": ("num_training_steps", 2),
    "get_cosine_schedule_with_warmup": ("num_training_steps", 2),
    "get_cosine_with_hard_restarts_schedule_with_warmup": ("num_training_steps", 2),
    "get_polynomial_decay_schedule_with_warmup": ("num_training_steps", 2),
    "get_scheduler": ("num_training_steps", 3),
}
_WARMUPS: dict[str, tuple[str, int]] = {
    "get_linear_schedule_with_warmup": ("num_warmup_steps", 1),
    "get_cosine_schedule_with_warmup": ("num_warmup_steps", 1),
    "get_cosine_with_hard_restarts_schedule_with_warmup": ("num_warmup_steps", 1),
    "get_polynomial_decay_schedule_with_warmup": ("num_warmup_steps", 1),
    "get_scheduler": ("num_warmup_steps", 2),
}
_LIBRARIES = ("torch.optim.lr_scheduler.", "transformers.", "diffusers.")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of a library.

    Attributes:
        call: The call that builds it.
        optimizer: The call that builds its optimizer; `None` when that is not in sight.
        length: Number of its steps as planned; `None` for kinds without an end.
        warmup: Number of warm-up steps; `None` for kinds without a warm-up.
        steps: Where it is stepped, in order.
    """

    call: Call
    optimizer: Call | None
    length: Value | None
    warmup: Value | None
    steps: tuple[CallEvent, ...]


@asked_once
def schedules(program: Program) -> tuple[Schedule, ...]:
    """Every schedule of a library that the program builds, in order.

    Args:
        program: The program.
    """
    stepped: dict[Value, list[CallEvent]] = {}
    for call in program.calls_of(".step"):
        if call.receiver is not None:
            stepped.setdefault(call.receiver, []).append(call.event)
    found = []
    for event in program.calls:
        call = event.call
        if isinstance(call.function, External) and name_of(call.function).startswith(_LIBRARIES) and _is_schedule(call):
            optimizer = optimizer_of(argument(call, "optimizer", 1 if call.method == "get_scheduler" else 0))
            found.append(Schedule(call, optimizer, *_lengths(call), tuple(stepped.get(call, ()))))
    return tuple(found)


def _is_schedule(call: Call) -> bool:
    return kind_of_stepper(call) == "scheduler"


def _lengths(call: Call) -> tuple[Value | None, Value | None]:
    length, warmup = _LENGTHS.get(call.method), _WARMUPS.get(call.method)
    return argument(call, *length) if length else None, argument(call, *warmup) if warmup else None
