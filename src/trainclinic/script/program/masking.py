"""Masks in labels: which positions a program takes out of the loss, with which value, and by which test.

It sees stores under a test or a slice, `masked_fill`, `where`, comprehensions with an alternative, and constant parts
put in front of a list. Which positions are hit at run time is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.events import CallEvent, Event, ReturnEvent, StoreEvent
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import SAME_DATA, SAME_DATA_FUNCTIONS
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.open_values import Setting
from trainclinic.script.program.reading import argument, contains, only
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Choice,
    Constant,
    Each,
    Element,
    External,
    Item,
    Items,
    Mapping,
    Operation,
    Span,
    Spread,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.places import Place
    from trainclinic.script.program.program import Program

IGNORED = -100
"""What the losses of transformers and `torch.nn.CrossEntropyLoss` leave out by default."""
_FILLS = frozenset({"masked_fill", "masked_fill_"})
_JOINED = frozenset({"cat", "concat", "concatenate", "hstack"})
_PADDED = frozenset({"pad", "pad_sequence"})
_COMPARED = frozenset({"==", "!=", "<", ">", "<=", ">=", "is", "is not", "in", "not in"})
DEEPEST = 200


@dataclass(frozen=True, slots=True, eq=False)
class Masking:
    """A place where some positions of a tensor or list get one value.

    Attributes:
        place: Where.
        masked: The tensor or list afterwards; the same object as `before` where it is written to in place.
        before: The tensor or list that it is made of; `None` for a constant part put in front.
        fill: The value that the positions get.
        test: Which positions: a comparison, a slice, a mask; for a constant part the number of positions.
        event: What happens there.
    """

    place: Place
    masked: Value
    before: Value | None
    fill: Value
    test: Value | None
    event: Event

    @property
    def in_place(self) -> bool:
        """Whether it writes into the tensor or list that it is made of."""
        return self.masked is self.before


@asked_once
def maskings(program: Program) -> tuple[Masking, ...]:
    """Every mask, in order.

    Args:
        program: The program.
    """
    return tuple(_maskings(program))


def _maskings(program: Program) -> Iterator[Masking]:
    seen: set[Value] = set()
    for event in program.events:
        if isinstance(event, StoreEvent) and event.kind == "item" and event.base is not None:
            yield from _stored(event, event.base)
        if isinstance(event, CallEvent) and event.call.method in _FILLS | {"where"}:
            yield from _called(event.call)
        for value in held_values(event):
            if isinstance(value, (Each, Operation)) and value not in seen:
                seen.add(value)
                yield from _built(value, event)


def _stored(event: StoreEvent, base: Value) -> Iterator[Masking]:
    key = event.key
    if not isinstance(key, Value) or isinstance(key, Constant) or event.symbol:
        return
    fill = event.value
    if isinstance(fill, Operation) and fill.symbol == "*":  # labels[:n] = [-100] * n
        fill = _repeated(fill) or fill
    if is_fill(fill):
        yield Masking(event.place, base, base, fill, key, event)


def _called(call: Call) -> Iterator[Masking]:
    if call.place is None:
        return
    if call.method in _FILLS:
        own = isinstance(call.function, External)
        before = call.args[0] if own and call.args else call.receiver
        test = argument(call, "mask", 1 if own else 0)
        fill = argument(call, "value", 2 if own else 1)
        if before is not None and fill is not None:
            masked = before if call.method.endswith("_") else call
            yield Masking(call.place, masked, before, fill, test, call.event)
    elif call.method == "where" and isinstance(call.function, External) and len(call.args) == 3:
        test, one, two = call.args
        for fill, before in ((one, two), (two, one)):
            if is_fill(fill) and not is_fill(before):
                yield Masking(call.place, call, before, fill, test, call.event)


def _built(value: Each | Operation, event: Event) -> Iterator[Masking]:
    """`[-100 if t == pad else t for t in ids]` and `[-100] * n + ids`."""
    if value.place is None:
        return
    if isinstance(value, Each):
        if not isinstance(value.element, Choice) or len(value.element.options) != 2:
            return
        one, two = value.element.options
        for way, other in ((one, two), (two, one)):
            if is_fill(way.value) and not is_fill(other.value) and way.when:
                yield Masking(value.place, value, value.over, way.value, way.when[-1].test, event)
    elif value.symbol == "+" and len(value.operands) == 2:
        for part in value.operands:
            if isinstance(part, Operation) and part.symbol == "*" and len(part.operands) == 2:
                repeated = _repeated(part)
                if repeated is not None and is_fill(repeated):
                    count = next(one for one in part.operands if not isinstance(one, Items))
                    yield Masking(part.place or value.place, value, None, repeated, count, event)


def _repeated(value: Operation) -> Value | None:
    """`x` of `[x] * n`."""
    lists = [one for one in value.operands if isinstance(one, Items) and len(one.elements) == 1]
    return lists[0].elements[0] if len(lists) == 1 and len(value.operands) == 2 else None


def is_fill(value: Value) -> bool:
    """Whether a value is one number, or a padding or ignored id by its name.

    Args:
        value: The value.
    """
    if isinstance(value, (Constant, Setting)):
        number = only(value)
        return isinstance(number, int) and not isinstance(number, bool)
    if isinstance(value, Attribute):
        return value.name.endswith(("_token_id", "ignore_index", "IGNORE_INDEX", "label_pad_token_id"))
    return isinstance(value, External) and value.name.lower().endswith(("ignore_index", "ignore_token_id"))


def held_values(event: Event) -> Iterator[Value]:
    """What an event stores, returns or hands over, with the parts that are no calls themselves.

    Args:
        event: The event.
    """
    queue: list[Value] = []
    if isinstance(event, CallEvent):
        queue += [*event.call.args, *(value for _, value in event.call.keywords)]
    elif isinstance(event, (StoreEvent, ReturnEvent)):
        queue.append(event.value)
    seen: set[Value] = set()
    while queue and len(seen) < DEEPEST:
        value = queue.pop()
        if value in seen:
            continue
        seen.add(value)
        yield value
        if isinstance(value, (Mapping, Items, Operation, Choice, Spread, Item)):
            queue += value.parts()
        elif isinstance(value, Each):
            queue.append(value.element)


@asked_once
def ignores_positions(program: Program) -> bool:
    """Whether the program writes -100, or something called the ignored index, anywhere, comparisons left out.

    Args:
        program: The program.
    """
    for event in program.events:
        for value in held_values(event):
            if isinstance(value, Operation) and value.symbol in _COMPARED:
                continue
            if any(map(_is_ignored, value.parts())) or _is_ignored(value):
                return True
    return False


def _is_ignored(value: Value) -> bool:
    if isinstance(value, Constant):
        return value.value == IGNORED and not isinstance(value.value, bool)
    return isinstance(value, (Attribute, External, Setting)) and value.name.lower().rpartition(".")[2] in {
        "ignore_index",
        "ignore_token_id",
        "label_pad_token_id",
    }


def layers(program: Program, value: Value | None) -> Iterator[Value]:
    """A tensor or list, then what it was made of position by position: casts, cuts, joins, masks and padding taken off.

    Args:
        program: The program, for what was appended to lists.
        value: The tensor or list.
    """
    seen: set[Value] = set()
    queue = [value] if value is not None else []
    while queue and len(seen) < DEEPEST:
        one = queue.pop(0)
        if one in seen:
            continue
        seen.add(one)
        yield one
        queue += _below(program, one)


def _below(program: Program, value: Value) -> list[Value]:
    if isinstance(value, Call):
        return _below_call(value)
    if isinstance(value, Choice):
        return [option.value for option in value.options]
    if isinstance(value, Each):
        return [value.element, value.over] if value.kind in {"list", "generator", "rows"} else []
    if isinstance(value, Items):
        return list(program.elements_of(value))
    if isinstance(value, Item):
        is_row = isinstance(value.index, Constant) and isinstance(value.index.value, int)
        return [value.base] if is_row or contains(value.index, lambda one: isinstance(one, Span), limit=20) else []
    if isinstance(value, Element):
        return [value.of]
    return list(value.operands) if isinstance(value, Operation) and value.symbol == "+" else []


def _below_call(call: Call) -> list[Value]:
    own = isinstance(call.function, External)
    if call.method in _FILLS:
        return [call.args[0]] if own and call.args else [call.receiver] if call.receiver is not None else []
    if call.method == "where" and own and len(call.args) == 3:
        return [arg for arg in call.args[1:] if not is_fill(arg)]
    if isinstance(call.function, Attribute) and call.method in SAME_DATA:
        return [call.function.base]
    if name_of(call.function) in SAME_DATA_FUNCTIONS or (own and call.method in _JOINED | _PADDED | {"zip"}):
        return list(call.args if call.method == "zip" else call.args[:1])
    return []
