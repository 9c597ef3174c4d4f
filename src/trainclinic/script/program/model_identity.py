"""Which models a loss comes from, and whether two models have anything to do with each other.

It follows values through calls, attributes and wrappers. A function of a library that hands out the same object twice
is not recognised as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.names import is_library, name_of
from trainclinic.script.program.objects import LOADERS, is_model, root
from trainclinic.script.program.open_values import Parameter
from trainclinic.script.program.precision import module_ways, same_module
from trainclinic.script.program.values import Attribute, Call, Choice, Element, External, Item, Unknown, Value
from trainclinic.script.program.walk import MOST_WALKS

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

_MOST = 4_000
_FRESH = frozenset({"copy.deepcopy"})


@dataclass(frozen=True, slots=True)
class Origin:
    """What a loss is made of.

    Attributes:
        models: Objects that are called as models on the way to it; nothing where a model may be out of sight.
        values: All values that were passed on the way.
    """

    models: tuple[Value, ...]
    values: frozenset[Value]


def origin_of(loss: Value | None) -> Origin:
    """Follow a loss back through calls to the models and data that it comes from.

    Args:
        loss: The loss.
    """
    models: dict[Value, None] = {}
    seen: set[Value] = set()
    queue = [(loss, False)]
    hidden = False
    while queue and len(seen) < _MOST:
        one, is_input = queue.pop()
        if one is None or one in seen:
            continue
        seen.add(one)
        hidden = hidden or _stands_for_others(one)
        if isinstance(one, Call) and _is_called_model(one):
            models[one.function] = None
            queue += [(held, True) for held in (*one.args, *(value for _, value in one.keywords))]
            continue
        hidden = hidden or (not is_input and _may_hide_model(one))
        is_input = is_input or isinstance(one, Element)  # what a loop goes through is data
        queue += [(part, is_input) for part in one.parts()]
    return Origin(() if hidden else tuple(models), frozenset(seen))


def _is_called_model(call: Call) -> bool:
    return not isinstance(call.function, (External, Attribute)) and _is_known(root(call.function))


def _may_hide_model(value: Value) -> bool:
    if isinstance(value, Call):
        return isinstance(value.function, External) and not is_library(value.function.name)
    return isinstance(value, (Unknown, Parameter)) or (isinstance(value, Instance) and value.call is None)


def _stands_for_others(value: Value) -> bool:
    """Whether a value comes from a function that was walked as often as functions are: later calls get it as well."""
    if not isinstance(value, Call):
        return False
    function = value.event.activation.function
    return function is not None and function.calls >= MOST_WALKS


def _is_known(made: Value | None) -> bool:
    if isinstance(made, Item):
        made = made.base
    return isinstance(made, (Instance, Call))


def is_made_anew(model: Value) -> bool:
    """Whether a model is certainly an object of its own: made by a class, a loader or a deep copy.

    Args:
        model: The model.
    """
    for one in module_ways(model):
        if isinstance(one, Instance):
            return True
        name = name_of(one.function) if isinstance(one, Call) else ""
        if name in _FRESH or name.startswith("torch.nn."):
            return True
        if isinstance(one, Call) and (one.method in LOADERS or is_model(one)):
            return True
    return False


def are_connected(program: Program, one: Value, other: Value) -> bool:
    """Whether two models may share parameters: one object, one made of the other, or one stored in the other.

    Args:
        program: The program.
        one: A model.
        other: Another one.
    """
    if same_module(one, other):
        return True
    return _is_inside(program, one, other) or _is_inside(program, other, one)


def _is_inside(program: Program, part: Value, whole: Value) -> bool:
    parts = {way for way in module_ways(part) if not isinstance(way, Choice)}
    seen: set[Value] = set()
    queue: list[Value] = [*module_ways(whole)]
    while queue and len(seen) < _MOST:
        held = queue.pop()
        if held in seen:
            continue
        seen.add(held)
        if held in parts:
            return True
        queue += _reached(program, held)
    return False


def _reached(program: Program, held: Value) -> Iterator[Value]:
    if isinstance(held, Call) and name_of(held.function) in _FRESH:
        return
    yield from held.parts()
    if isinstance(held, Instance) and held.call is not None:
        yield held.call
    for event in program.stores:
        if event.kind == "attribute" and event.base is held:
            yield event.value
