"""Floating-point types of weights: what a model is loaded in, what it is cast to afterwards, and on which device.

It knows the arguments of `from_pretrained` and the casting methods of modules. It does not know which type a checkpoint
is stored in, nor what `auto` becomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.adapters import PREPARATIONS
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import Condition
from trainclinic.script.program.names import name_of, names_of_call
from trainclinic.script.program.objects import LOADERS, inner, loader_name
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.reading import DTYPES, argument, constants, is_open, possible
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, External, Item, Mapping, Text, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

HALF = frozenset({"float16", "bfloat16"})
_CASTS = {
    "half": "float16",
    "convert_to_fp16": "float16",
    "bfloat16": "bfloat16",
    "float": "float32",
    "double": "float64",
}
_COPIES = frozenset({"copy.deepcopy", "copy.copy"})
_CHANGED = frozenset({"float", "to", "half", "bfloat16", "type"})


@dataclass(frozen=True, slots=True)
class Weights:
    """A type that the weights of a model may have.

    Attributes:
        dtype: `float16`, `bfloat16`, `float32`, `auto` ...; empty when the code gives one that cannot be read.
        made: The call that gives it to them.
        when: The conditions under which it does.
        is_fixed: Whether the code decides it, so that no option of the user changes it.
    """

    dtype: str
    made: Call
    when: tuple[Condition, ...] = ()
    is_fixed: bool = True


def dtype_options(value: Value | None) -> list[tuple[str, tuple[Condition, ...], bool]]:
    """The floating-point types that a value can be, with their conditions, and whether the code fixes them.

    Args:
        value: `torch.float16`, `"float16"`, `getattr(torch, "float16")`, an entry of a table of types, or a choice.
    """
    if isinstance(value, Choice):
        found = [(option.when, each) for option in value.options for each in dtype_options(option.value)]
        return [(name, (*when, *more), fixed) for when, (name, more, fixed) in found]
    if isinstance(value, Call) and name_of(value.function) == "builtins.getattr" and len(value.args) > 1:
        value = value.args[1]
    if isinstance(value, Item) and isinstance(value.base, Mapping):
        return _looked_up(value.base, value.index)
    out: list[tuple[str, tuple[Condition, ...], bool]] = []
    for one in possible(value)[0]:
        name = one.value.name if isinstance(one.value, External) else one.value
        last = name.rpartition(".")[2] if isinstance(name, str) else ""
        if last in DTYPES:
            out.append((DTYPES[last], one.when, one.setting is None or one.given))
    return out


def _looked_up(table: Mapping, index: Value) -> list[tuple[str, tuple[Condition, ...], bool]]:
    found: list[tuple[str, tuple[Condition, ...], bool]] = []
    for one in possible(index)[0]:
        for key, value in table.entries:
            if isinstance(key, Constant) and key.value == one.value:
                fixed = one.setting is None or one.given
                found += [(name, (*one.when, *when), fixed) for name, when, _ in dtype_options(value)]
    return found


def module_ways(value: Value | None) -> Iterator[Value]:
    """A module and everything that it was before its wrappers, alternatives included; a copy is another module.

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
        if isinstance(one, Choice):
            queue += [option.value for option in one.options]
        elif not (isinstance(one, Call) and name_of(one.function) in _COPIES):
            queue.append(inner(one))


def same_module(one: Value | None, two: Value | None) -> bool:
    """Whether two values may be one module, wrapped or not.

    Args:
        one: A model.
        two: Another one.
    """
    mine = set(module_ways(one))
    return any(way in mine for way in module_ways(two))


def weights(program: Program, model: Value | None, before: int) -> list[Weights]:
    """The types that the weights of a model may have at some point, the latest cast first.

    Args:
        program: The program.
        model: The model.
        before: Order of the event until which casts count: the first update, or the start of a trainer.

    Returns:
        Nothing when no type is in sight. The last entry is unconditional where the code leaves nothing open.
    """
    ways = set(module_ways(model))
    found: list[Weights] = []
    for call, module, options in _casts(program):
        if call.event.order >= before or not any(way in ways for way in module_ways(module)):
            continue
        around = call.event.conditions
        found += [Weights(name, call, (*around, *when), fixed) for name, when, fixed in options]
        if not around and not any(when for _, when, _ in options):
            return found
    loader = next((way for way in ways if isinstance(way, Call) and way.method in LOADERS), None)
    return [*found, *loaded_types(loader)] if loader is not None else found


@asked_once
def _casts(program: Program) -> tuple[tuple[Call, Value, list[tuple[str, tuple[Condition, ...], bool]]], ...]:
    """Every cast of a module, the last first, with the types that it may cast to."""
    calls = program.calls_of(*PREPARATIONS, *(f".{name}" for name in (*_CASTS, "to")))
    found = ((call, _cast_module(call), _cast_options(call)) for call in reversed(calls))
    return tuple((call, module, options) for call, module, options in found if module is not None and options)


def _cast_module(call: Call) -> Value | None:
    """The module that a call casts; `None` for every other call."""
    if any(name in PREPARATIONS for name in names_of_call(call)):
        return argument(call, "model", 0)
    if call.method in _CASTS and not call.args and isinstance(call.function, Attribute):
        return call.receiver
    return call.receiver if call.method == "to" and isinstance(call.function, Attribute) else _of_instance(call)


def _of_instance(call: Call) -> Value | None:
    made = call.result if call.method in {*_CASTS, "to"} else None
    return made if isinstance(made, Instance) else None


def _cast_options(call: Call) -> list[tuple[str, tuple[Condition, ...], bool]]:
    if any(name in PREPARATIONS for name in names_of_call(call)):
        return [("float32", (), True)]
    if call.method in _CASTS:
        return [(_CASTS[call.method], (), True)]
    named = argument(call, "dtype")
    if named is not None:
        return dtype_options(named) or [("", (), False)]
    return [each for arg in call.args for each in dtype_options(arg)]


def loaded_types(loader: Call) -> list[Weights]:
    """The types that `from_pretrained` is asked to load weights in; nothing when it is not asked.

    Args:
        loader: The call.
    """
    if "unsloth" in loader_name(loader):
        return []
    given = argument(loader, "torch_dtype") or argument(loader, "dtype")
    return [Weights(name, loader, when, fixed) for name, when, fixed in dtype_options(given)]


def is_type_left_out(loader: Call) -> bool:
    """Whether `from_pretrained` is certainly not told a type.

    Args:
        loader: The call.
    """
    given = [argument(loader, name) for name in ("torch_dtype", "dtype", "quantization_config")]
    return not is_open(loader) and all(value is None for value in given)


def is_recast_in_part(program: Program, model: Value | None) -> bool:
    """Whether code changes the type of single parameters or submodules, freezes some, or puts new ones in.

    Args:
        program: The program.
        model: The model.
    """
    stored = [*program.attributes_set("requires_grad"), *program.attributes_set("data")]
    if stored or program.calls_of(".requires_grad_"):
        return True
    replaced = [event for event in program.stores if event.kind == "attribute" and isinstance(event.value, Call)]
    if any(same_module(event.base, model) for event in replaced if event.base is not None):
        return True
    parts = [call.receiver for call in program.calls_of(*(f".{name}" for name in _CHANGED))]
    return any(isinstance(part, Attribute) and same_module(_holder(part), model) for part in parts)


def _holder(part: Attribute) -> Value | None:
    """The object whose submodule this is; a wrapper's `module` is no submodule."""
    base: Value = part
    deep = False
    while isinstance(base, Attribute):
        deep = deep or inner(base) is None
        base = base.base
    return base if deep else None


def devices(value: Value | None) -> list[tuple[str, tuple[Condition, ...]]]:
    """The kinds of device that a value can name: `cuda`, `mps`, `cpu` ..., each with its conditions.

    Args:
        value: `"cuda:0"`, `torch.device("mps")`, an f-string, or a choice of them.
    """
    if isinstance(value, Choice):
        found = [(option.when, each) for option in value.options for each in devices(option.value)]
        return [(name, (*when, *more)) for when, (name, more) in found]
    if isinstance(value, Call) and name_of(value.function) == "torch.device" and value.args:
        return devices(value.args[0])
    if isinstance(value, Text) and value.pieces:
        value = value.pieces[0]
    return [(name.partition(":")[0], ()) for name in constants(value) if isinstance(name, str)]
