"""Comparisons of predictions with what they should be: `==`, and metrics of libraries.

It knows accuracy of torch, sklearn and evaluate by their arguments. What a metric of the files does is seen where it
compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.events import CallEvent, Event, ReturnEvent, StoreEvent
from trainclinic.script.program.names import name_of
from trainclinic.script.program.once import listed_once
from trainclinic.script.program.reading import argument
from trainclinic.script.program.values import Call, Item, Items, Mapping, Operation, Value

if TYPE_CHECKING:
    from trainclinic.script.places import Place
    from trainclinic.script.program.program import Program

_PAIRS = {
    "torch.eq": (("input", 0), ("other", 1)),
    "numpy.equal": (("x1", 0), ("x2", 1)),
    "sklearn.metrics.accuracy_score": (("y_true", 0), ("y_pred", 1)),
}
_METRIC_METHODS = frozenset({"compute", "add_batch"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values that are compared element by element.

    Attributes:
        sides: The two values.
        place: Where.
    """

    sides: tuple[Value, Value]
    place: Place


@listed_once
def comparisons(program: Program) -> Iterator[Comparison]:
    """Every comparison for equality, in order.

    Args:
        program: The program.
    """
    seen: set[Value] = set()
    for event in program.events:
        for value in _held(event):
            for one in _inside(value):
                sides = _sides(one) if one not in seen else None
                seen.add(one)
                if sides is not None and one.place is not None:
                    yield Comparison(sides, one.place)


def _held(event: Event) -> Iterator[Value]:
    if isinstance(event, CallEvent):
        yield event.call
        if event.call.receiver is not None:
            yield event.call.receiver
        yield from event.call.args
    elif isinstance(event, (StoreEvent, ReturnEvent)):
        yield event.value


def _inside(value: Value) -> Iterator[Value]:
    """A value and what it is computed of, calls left out: they are events of their own."""
    yield value
    if isinstance(value, (Operation, Item, Items, Mapping)):
        for part in value.parts():
            if isinstance(part, (Operation, Item)):
                yield from _inside(part)


def _sides(value: Value) -> tuple[Value, Value] | None:
    if isinstance(value, Operation) and value.symbol == "==" and len(value.operands) == 2:
        return value.operands[0], value.operands[1]
    if not isinstance(value, Call):
        return None
    names = _PAIRS.get(name_of(value.function))
    if names is None and value.method in _METRIC_METHODS:
        names = (("predictions", 0), ("references", 1))
    found = [argument(value, *name) for name in names] if names is not None else []
    return (found[0], found[1]) if len(found) == 2 and found[0] is not None and found[1] is not None else None
