"""Calls of language models: which model, what it reads, what it is scored on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.objects import is_causal_lm, is_model, root
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.open_values import Parameter
from trainclinic.script.program.reading import argument
from trainclinic.script.program.values import Attribute, Call, Choice, External, Item, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

SHIFTING_LOSSES = frozenset({"ForCausalLMLoss", "LigerForCausalLMLoss"})
"""Loss functions that move the labels themselves, by the last part of their name."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A forward pass.

    Attributes:
        call: The call.
        model: What is called, wrappers taken off.
        is_causal: Whether it is known to be a causal language model of a library, which shifts labels itself.
        gives_loss: Whether `.loss` of the result is used, as such models have it.
        inputs: Token ids, if they are handed over visibly.
        labels: Labels, if they are handed over visibly.
    """

    call: Call
    model: Value
    is_causal: bool
    gives_loss: bool
    inputs: Value | None
    labels: Value | None


@asked_once
def model_calls(program: Program) -> list[ModelCall]:
    """Every forward pass of a model that is not of the files, in order.

    Args:
        program: The program.
    """
    losses = set(_with_loss(program))
    return [one for event in program.calls if (one := _model_call(program, event.call, losses)) is not None]


def _with_loss(program: Program) -> Iterator[Value]:
    """Results whose `.loss` (or first item) is taken."""
    for event in program.events:
        for value in _held(event):
            seen = value
            while isinstance(seen, Attribute):
                if seen.name == "loss":
                    yield seen.base
                seen = seen.base


def _held(event: object) -> Iterator[Value]:
    from trainclinic.script.program.events import CallEvent, ReturnEvent, StoreEvent

    if isinstance(event, CallEvent):
        if event.call.receiver is not None:
            yield event.call.receiver
        yield from event.call.args
        yield from (value for _, value in event.call.keywords)
    elif isinstance(event, (StoreEvent, ReturnEvent)):
        yield from _one_deep(event.value)


def _one_deep(value: Value) -> Iterator[Value]:
    yield value
    if not isinstance(value, (Call, Choice)):
        yield from value.parts()


def _model_call(program: Program, call: Call, losses: set[Value]) -> ModelCall | None:
    function = call.function
    if isinstance(function, External) or call.result is not None:
        return None
    causal = is_causal_lm(function)
    gives_loss = call in losses
    if not causal and not gives_loss and not is_model(function):
        return None
    if (
        isinstance(function, Attribute)
        and not causal
        and not isinstance(function.base, (Instance, Parameter, Attribute))
    ):
        return None
    made = root(function) or function
    return ModelCall(call, made, causal, gives_loss, _inputs(program, call), handed(program, call, "labels"))


def _inputs(program: Program, call: Call) -> Value | None:
    return handed(program, call, "input_ids", 0) or handed(program, call, "inputs_embeds")


def handed(program: Program, call: Call, name: str, position: int | None = None) -> Value | None:
    """An argument of a call, also out of a `**batch` whose content the code says.

    Args:
        program: The program.
        call: The call.
        name: The keyword.
        position: Its position, if it may be given by position.
    """
    direct = argument(call, name, position)
    if direct is not None:
        return direct
    for key, value in call.keywords:
        if key is None:
            found = program.value_of(value, name)
            if found is not None:
                return found
    return None


def shifting_loss_calls(program: Program) -> Iterator[tuple[Call, Value, Value]]:
    """Calls of loss functions that shift labels themselves: the call, the logits, the labels.

    Args:
        program: The program.
    """
    for event in program.calls:
        function = event.call.function
        named = function.name.rpartition(".")[2] if isinstance(function, External) else ""
        if named not in SHIFTING_LOSSES:
            continue
        logits, labels = argument(event.call, "logits", 0), argument(event.call, "labels", 1)
        if logits is not None and labels is not None:
            yield event.call, logits, labels


def is_shifting_result(value: Value) -> bool:
    """Whether a value is the loss that a causal language model computed from its labels.

    Args:
        value: `outputs.loss`, `outputs[0]`, or something else.
    """
    if isinstance(value, Attribute) and value.name == "loss":
        return is_causal_lm(value.base.function) if isinstance(value.base, Call) else False
    return isinstance(value, Item) and isinstance(value.base, Call) and is_causal_lm(value.base.function)
