"""Updates of weights: which optimizer a loop steps, whose parameters it holds, and what a trainer trains.

It follows optimizers that are built in the files from a library's class. What a wrapper or an own optimizer class does
with its parameters is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.adapters import attached_by, is_given, quantised, training_trainers, ways
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.names import is_library
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.precision import Weights, dtype_options, same_module, weights
from trainclinic.script.program.reading import argument, is_open
from trainclinic.script.program.trainers import Trainer
from trainclinic.script.program.training_loops import TrainingLoop, kind_of_stepper, stepper_of, training_loops
from trainclinic.script.program.values import Call, Constant, External, Items, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

_ADAM = re.compile(r"(Paged)?Adam\w*|NAdam|RAdam|FusedAdam|Lamb|LAMB")
_HARMLESS = frozenset(
    {"step", "zero_grad", "state_dict", "load_state_dict", "unscale_", "add_param_group", "parameters", "train", "eval"}
    | {"save_model", "save_checkpoint", "save_state", "unwrap_model", "clip_grad_norm_", "prepare", "update", "append"}
)
_GIVE_PARAMETERS = frozenset({"parameters", "named_parameters"})
_MOST = 400
"""Values that are looked through for parameters."""


@dataclass(frozen=True, slots=True)
class Update:
    """A place where a loop updates weights.

    Attributes:
        event: The call that does it: `optimizer.step()`, `scaler.step(optimizer)`.
        optimizer: The call of a library's class that built the optimizer.
        scaler: The gradient scaler that it goes through; `None` without one.
        loop: The loop.
    """

    event: CallEvent
    optimizer: Call
    scaler: Value | None
    loop: TrainingLoop


@dataclass(frozen=True, slots=True)
class Training:
    """A model that the program trains.

    Attributes:
        model: The model.
        by: The call that builds the trainer or the optimizer.
        trainer: The trainer; `None` for an own loop.
        update: The update of an own loop.
        at: Order of the first event at which weights change.
    """

    model: Value
    by: Call
    trainer: Trainer | None
    update: Update | None
    at: int


def optimizer_of(value: Value | None) -> Call | None:
    """The call of a library's class that built an optimizer; `None` where none is in sight.

    Args:
        value: The optimizer, or a wrapper around it that is understood.
    """
    for one in ways(value):
        if isinstance(one, Call) and isinstance(one.function, External) and kind_of_stepper(one) == "optimizer":
            return one
    return None


@asked_once
def updates(program: Program) -> tuple[Update, ...]:
    """Every step of an optimizer in a training loop, in order.

    Args:
        program: The program.
    """
    found = []
    for loop in training_loops(program):
        for event in loop.steps:
            through = stepper_of(event) == "scaler" and bool(event.call.args)
            optimizer = optimizer_of(event.call.args[0] if through else event.call.receiver)
            if optimizer is not None:
                found.append(Update(event, optimizer, event.call.receiver if through else None, loop))
    return tuple(found)


def holders(program: Program, optimizer: Call) -> list[Value]:
    """Models whose parameters an optimizer was given, in the order of the code.

    Args:
        program: The program.
        optimizer: The call that builds it.
    """
    seen: set[Value] = set()
    queue = [argument(optimizer, "params", 0) or argument(optimizer, "model_parameters", 0)]
    found: list[Value] = []
    while queue and len(seen) < _MOST:
        one = queue.pop(0)
        if one is None or one in seen:
            continue
        seen.add(one)
        if isinstance(one, Call) and one.method in _GIVE_PARAMETERS and one.receiver is not None:
            found.append(one.receiver)
            continue
        queue += program.elements_of(one) if isinstance(one, Items) else one.parts()
    return list(dict.fromkeys(found))


@asked_once
def trained_models(program: Program) -> tuple[Training, ...]:
    """Models that the program trains: by a trainer whose `train` is called, or by an own loop.

    Args:
        program: The program.
    """
    found = [
        Training(one.model, one.call, one, None, _start(program, one))
        for one in training_trainers(program)
        if one.model is not None
    ]
    done: set[tuple[Call, Value]] = set()
    for update in updates(program):
        for model in holders(program, update.optimizer):
            if (update.optimizer, model) not in done:
                done.add((update.optimizer, model))
                found.append(Training(model, update.optimizer, None, update, update.event.order))
    return tuple(found)


def _start(program: Program, trainer: Trainer) -> int:
    calls = program.calls_of(".train", "*.train")
    return next((call.event.order for call in calls if trainer.call in ways(call.receiver)), trainer.call.event.order)


def unknown_calls(update: Update, models: list[Value]) -> list[CallEvent]:
    """Calls in the loop of an update that get its optimizer or model, and of which nobody knows what they do with it.

    Args:
        update: The update.
        models: The models whose parameters the optimizer holds.
    """
    return [event for event in update.loop.events if _is_unknown(event.call, update.optimizer, models)]


def _is_unknown(call: Call, optimizer: Call, models: list[Value]) -> bool:
    if call.result is not None or call.method in _HARMLESS:
        return False
    if isinstance(call.function, External) and is_library(call.function.name):
        return False
    handed = [*call.args, *(value for _, value in call.keywords)]
    if optimizer_of(call.receiver) is optimizer:
        return True
    if any(same_module(call.function, model) for model in models):
        return False
    return any(optimizer_of(one) is optimizer or any(same_module(one, model) for model in models) for one in handed)


def is_full(training: Training) -> bool:
    """Whether all weights of a model are trained: no adapter is attached and it is not quantised.

    Args:
        training: The model and who trains it.
    """
    if attached_by(training.model) is not None or quantised(training.model) is not None:
        return False
    return training.trainer is None or not is_given(training.trainer.part("peft_config"))


def types_of(program: Program, training: Training) -> list[Weights]:
    """The types that the trained weights may have: by how the model is loaded, and by what it is cast to.

    Args:
        program: The program.
        training: The model and who trains it.
    """
    if not isinstance(training.model, Constant) or training.trainer is None:
        return weights(program, training.model, training.at)
    given = training.trainer.option("model_init_kwargs")
    if given is None or program.value_of(given, "quantization_config") is not None:
        return []
    dtype = program.value_of(given, "torch_dtype") or program.value_of(given, "dtype")
    made = training.trainer.arguments or training.by
    return [Weights(name, made, when, fixed) for name, when, fixed in dtype_options(dtype)]


def is_adam(optimizer: Call) -> bool:
    """Whether an optimizer divides by a root of squared gradients plus epsilon, as Adam does.

    Args:
        optimizer: The call that builds it.
    """
    return _ADAM.match(optimizer.method) is not None


def is_plain_adam(training: Training) -> bool:
    """Whether the weights are updated by an Adam that computes in their own type.

    Args:
        training: The model and who trains it.
    """
    if training.trainer is None:
        return training.by.method in {"Adam", "AdamW"} and not is_open(training.by)
    given = training.trainer.option("optim")
    if training.trainer.part("optimizers") is not None or not training.trainer.is_known:
        return False
    return given is None or (isinstance(given, Constant) and given.value in {"adamw_torch", "adamw_hf"})
