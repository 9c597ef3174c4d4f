"""Adapters and low-bit models: what is attached to what, what is loaded in 4 or 8 bit, and which of it is trained.

It knows the calls of peft, and the arguments of transformers that ask for bitsandbytes. Layers that a script replaces
by hand, and other ways to quantise, are not known here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import Condition
from trainclinic.script.program.names import name_of, names_of_call
from trainclinic.script.program.objects import LOADERS, inner, loader_name, model_id
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.reading import argument, constants, contains, may_be_true
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.training_loops import kind_of_stepper, training_loops
from trainclinic.script.program.values import Call, Choice, Constant, External, Operation, Value
from trainclinic.script.sources.imports import statements_of

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

CONFIGS = frozenset(
    f"peft.{name}Config"
    for name in (
        *("Lora", "AdaLora", "IA3", "LoHa", "LoKr", "OFT", "BOFT", "Vera", "HRA", "Poly", "LNTuning", "FourierFT"),
        *(
            "VBLoRA",
            "RandLora",
            "PrefixTuning",
            "PromptTuning",
            "PromptEncoder",
            "MultitaskPromptTuning",
            "AdaptionPrompt",
        ),
    )
)
"""Classes that describe an adapter."""
PREPARATIONS = ("peft.prepare_model_for_kbit_training", "peft.prepare_model_for_int8_training")
_LOADED = tuple(
    f"peft.{prefix}PeftModel{suffix}.from_pretrained"
    for prefix in ("", "Auto")
    for suffix in ("", "ForCausalLM", "ForSeq2SeqLM", "ForSequenceClassification", "ForTokenClassification")
)
ATTACHING = (
    "peft.get_peft_model",
    *_LOADED,
    "peft.PeftModel",
    "peft.PeftModelForCausalLM",
    "peft.get_peft_model_mixed",
)
"""Calls that give back a model with an adapter."""
READY = tuple(f"unsloth.{name}.get_peft_model" for name in ("FastLanguageModel", "FastModel", "FastVisionModel"))
_BITS = {"load_in_4bit": 4, "load_in_8bit": 8}


@dataclass(frozen=True, slots=True)
class Quantised:
    """How a model is loaded in few bits.

    Attributes:
        loader: The call that loads it.
        bits: 4 or 8.
        is_fixed: Whether the code fixes that, so that no option of the user changes it.
        when: Conditions under which it is so.
    """

    loader: Call
    bits: int
    is_fixed: bool
    when: tuple[Condition, ...] = ()


def ways(value: Value | None) -> Iterator[Value]:
    """An object and everything that it was before its wrappers, all alternatives included.

    Args:
        value: A model, or anything around one.
    """
    seen: set[Value] = set()
    queue = [value]
    while queue:
        one = queue.pop(0)
        if one is None or one in seen:
            continue
        seen.add(one)
        yield one
        queue += [option.value for option in one.options] if isinstance(one, Choice) else [inner(one)]


def adapter_configs(program: Program) -> list[Call]:
    """Calls that describe an adapter, in order.

    Args:
        program: The program.
    """
    return program.calls_of(*sorted(CONFIGS))


def attached_by(value: Value | None) -> Call | None:
    """The call of peft that gave an object its outermost adapter, in one of its alternatives; `None` without one.

    Args:
        value: A model.
    """
    wanted = {*ATTACHING, *READY}
    return next((one for one in ways(value) if isinstance(one, Call) and wanted & set(names_of_call(one))), None)


def loads_adapter(call: Call) -> bool:
    """Whether a call loads a saved adapter.

    Args:
        call: The call.
    """
    return any(name in _LOADED for name in names_of_call(call))


def is_adapted_in_place(program: Program) -> bool:
    """Whether anything in the program gets an adapter by a method of the model, or by a function that replaces layers.

    Args:
        program: The program.
    """
    return bool(
        program.calls_of(".add_adapter", ".load_adapter", "peft.inject_adapter_in_model")
        or program.calls_ending("replace_linear_with_lora", "inject_trainable_lora", "apply_lora")
    )


def quantised(value: Value | None) -> Quantised | None:
    """How a model is loaded in 4 or 8 bit by transformers and bitsandbytes; `None` when the code does not ask for it.

    Args:
        value: The model, wrappers around it allowed.
    """
    for one in ways(value):
        if isinstance(one, Call) and one.method in LOADERS and "unsloth" not in loader_name(one):
            found = next(_asked_for(one), None)
            if found is not None:
                return found
    return None


def _asked_for(loader: Call) -> Iterator[Quantised]:
    yield from _flags(loader, loader, ())
    given = argument(loader, "quantization_config")
    options = [(one.value, one.when) for one in given.options] if isinstance(given, Choice) else [(given, ())]
    for config, when in options:
        if isinstance(config, Call) and "transformers.BitsAndBytesConfig" in names_of_call(config):
            yield from _flags(loader, config, when)
    names = constants(model_id(loader))
    if names and all(isinstance(name, str) and name.endswith("bnb-4bit") for name in names):
        yield Quantised(loader, 4, is_fixed=False)


def _flags(loader: Call, holder: Call, when: tuple[Condition, ...]) -> Iterator[Quantised]:
    for name, bits in _BITS.items():
        for one in may_be_true(argument(holder, name)):
            yield Quantised(loader, bits, one.setting is None or one.given, (*when, *one.when))


def optimised(program: Program) -> list[tuple[Value, Call]]:
    """Models whose parameters an optimizer of the script gets, with the optimizer, in order.

    Args:
        program: The program.
    """
    found: list[tuple[Value, Call]] = []
    for event in program.calls:
        call = event.call
        given = argument(call, "params", 0)
        if not isinstance(call.function, External) or given is None or isinstance(given, Operation):
            continue
        parameters = contains(given, _gives_parameters, limit=60) if kind_of_stepper(call) == "optimizer" else None
        if isinstance(parameters, Call) and parameters.receiver is not None:
            found.append((parameters.receiver, call))
    return found


def _gives_parameters(value: Value) -> bool:
    return isinstance(value, Call) and value.method in {"parameters", "named_parameters"}


@asked_once
def training_trainers(program: Program) -> list[Trainer]:
    """Trainers whose `train` is called.

    Args:
        program: The program.
    """
    started: set[Value] = set()
    for call in program.calls_of(".train", "*.train"):
        for one in ways(call.receiver):
            started.add(one.call if isinstance(one, Instance) and one.call is not None else one)
    return [trainer for trainer in trainers(program) if trainer.call in started]


@asked_once
def trained(program: Program) -> list[tuple[Value, Call]]:
    """Models that the program trains, with the trainer or optimizer that does it, in order.

    Args:
        program: The program.
    """
    found = [(one.model, one.call) for one in training_trainers(program) if one.model is not None]
    return [*found, *(optimised(program) if training_loops(program) else ())]


def is_given(value: Value | None) -> bool:
    """Whether an argument is there and not plainly `None`.

    Args:
        value: The argument.
    """
    return value is not None and not (isinstance(value, Constant) and value.value is None)


def is_dropped(call: Call) -> bool:
    """Whether a call stands alone as a statement, so that nobody gets what it gives.

    Args:
        call: The call.
    """
    tree = call.file.tree if call.file is not None else None
    statements = statements_of(tree) if tree is not None else ()
    return any(isinstance(node, ast.Expr) and node.value is call.node for node in statements)


def config_of(call: Call) -> Value | None:
    """The configuration that `get_peft_model` or `PeftModel` is given.

    Args:
        call: The call.
    """
    return argument(call, "peft_config", 1) if name_of(call.function) in ATTACHING else None
