"""By how many positions one tensor or list is ahead of another, when both are cut from the same text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.places import Step
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import SAME_DATA, SAME_DATA_FUNCTIONS
from trainclinic.script.program.open_values import Parameter, Setting
from trainclinic.script.program.reading import argument, only
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Choice,
    Constant,
    Each,
    External,
    Item,
    Items,
    Operation,
    Span,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

Linear = dict[object, int]
"""A sum of integer multiples of things, by fingerprint; the key `None` holds the constant."""
PARALLEL = frozenset({"input_ids", "labels"})
"""Columns that tokenizers and collators keep aligned."""
PURE = frozenset({"builtins.len", "builtins.int", "builtins.min", "builtins.max", "builtins.abs", "builtins.round"})
KEEP_POSITIONS = frozenset({"masked_fill", "masked_fill_", "where", "clamp", "clamp_min", "fill_", "chunk", "split"})
DEEPEST = 40


@dataclass(frozen=True, slots=True)
class View:
    """A tensor or list as a piece of something.

    Attributes:
        base: What it is cut from.
        start: Its first position there; the key `None` holds the constant part.
        steps: Where it was shifted, the first cut first.
    """

    base: Value
    start: Linear
    steps: tuple[Step, ...] = ()


def ahead(program: Program, labels: Value, inputs: Value) -> tuple[int, tuple[Step, ...]] | None:
    """By how many positions `labels` are ahead of `inputs`.

    Args:
        program: The program, for what was stored into tensors.
        labels: Targets.
        inputs: What the model reads.

    Returns:
        Positions (1 when `labels[t]` is `inputs[t + 1]`) and where the shift happens; `None` when both are not known to
        be pieces of the same text.
    """
    for one in views(program, labels):
        for two in views(program, inputs):
            if fingerprint(one.base) != fingerprint(two.base):
                continue
            rest = {key: one.start.get(key, 0) - two.start.get(key, 0) for key in {*one.start, *two.start}}
            if all(value == 0 for key, value in rest.items() if key is not None):
                return rest.get(None, 0), one.steps or two.steps
    return None


def views(program: Program, value: Value, depth: int = 0) -> Iterator[View]:
    """What a tensor or list is cut from, one answer for each alternative.

    Args:
        program: The program.
        value: The tensor or list.
        depth: How far it was followed.
    """
    if depth > DEEPEST:
        return
    stored = _stored(program, value)
    if stored is not None:
        yield from (
            _moved(view, start, step) for part, start, step in stored for view in views(program, part, depth + 1)
        )
        return
    if isinstance(value, Choice):
        for option in value.options[:6]:
            yield from views(program, option.value, depth + 1)
        return
    below = _below(value)
    if below is None:
        yield View(value, {})
        return
    part, start, step = below
    yield from (_moved(view, start, step) for view in views(program, part, depth + 1))


def _moved(view: View, start: Linear, step: Step | None) -> View:
    """A view from further on."""
    total = {key: view.start.get(key, 0) + start.get(key, 0) for key in {*view.start, *start}}
    return View(view.base, total, (*view.steps, step) if step is not None else view.steps)


def _below(value: Value) -> tuple[Value, Linear, Step | None] | None:
    """What a value is cut from, from which position on; `None` where it is not cut from anything."""
    if isinstance(value, Item):
        return _cut(value)
    if isinstance(value, Each) and value.kind in {"list", "generator", "rows"}:
        return value.element, {}, None
    if isinstance(value, Operation) and value.symbol == "+" and len(value.operands) == 2:
        return _joined(value, value.operands[0], value.operands[1])
    return _called(value) if isinstance(value, Call) else None


def _cut(value: Item) -> tuple[Value, Linear, Step | None] | None:
    base, index = value.base, value.index
    if isinstance(base, Call) and base.method in {"chunk", "split", "tensor_split"} and base.receiver is not None:
        return base.receiver, {}, None
    if isinstance(index, Constant) and index.value in {None, ...}:
        return base, {}, None
    spans = [part for part in (index.elements if isinstance(index, Items) else (index,)) if isinstance(part, Span)]
    others = len(index.elements) - len(spans) if isinstance(index, Items) else int(not spans)
    ellipses = (
        sum(isinstance(e, Constant) and e.value in {None, ...} for e in index.elements)
        if isinstance(index, Items)
        else 0
    )
    if not spans or others > ellipses or any(span.step is not None for span in spans):
        return None
    telling = [span for span in spans if span.start is not None or span.stop is not None]
    if len(telling) > 1:
        return None
    start = linear(telling[0].start) if telling and telling[0].start is not None else {}
    if set(start) == {None} and start[None] < 0:
        return None
    step = (
        Step(value.place, f"`{value.code}` begins {_positions(start)} later")
        if value.place and _is_moved(start)
        else None
    )
    return base, start, step


def _positions(start: Linear) -> str:
    constant = start.get(None, 0)
    return "one position" if constant == 1 else f"{constant} positions"


def _is_moved(start: Linear) -> bool:
    return bool(start.get(None, 0))


def _joined(value: Value, first: Value, second: Value) -> tuple[Value, Linear, Step | None] | None:
    """`ids[1:] + [end]` begins like its first part, `[begin] + ids` one position before its second."""
    if isinstance(first, Items) and len(first.elements) == 1:
        place = value.place
        return second, {None: -1}, Step(place, f"`{value.code}` puts one token in front") if place else None
    return first, {}, None


def _called(value: Call) -> tuple[Value, Linear, Step | None] | None:
    name, receiver = name_of(value.function), value.receiver
    if value.method in SAME_DATA and isinstance(value.function, Attribute):
        return value.function.base, {}, None
    if name in SAME_DATA_FUNCTIONS and value.args:
        return value.args[0], {}, None
    if value.method == "roll":
        return _rolled(value, receiver)
    if value.method in {"cat", "concat", "concatenate", "hstack"} and value.args and isinstance(value.args[0], Items):
        parts = value.args[0].elements
        return (parts[0], {}, None) if parts and not isinstance(parts[0], Items) else None
    if value.method == "pad" and isinstance(value.function, External) and len(value.args) > 1:
        before = (
            only(value.args[1].elements[0]) if isinstance(value.args[1], Items) and value.args[1].elements else None
        )
        return (value.args[0], {None: -before}, None) if isinstance(before, int) else None
    if value.method == "where" and len(value.args) == 3:
        kept = next((arg for arg in value.args[1:] if not isinstance(arg, Constant)), None)
        return (kept, {}, None) if kept is not None else None
    if value.method in KEEP_POSITIONS and receiver is not None:
        return receiver, {}, None
    return None


def _rolled(value: Call, receiver: Value | None) -> tuple[Value, Linear, Step | None] | None:
    """`torch.roll(x, -1)` and `x.roll(-1)`."""
    data = receiver if isinstance(value.function, Attribute) else argument(value, "input", 0)
    shift = only(argument(value, "shifts", 0 if isinstance(value.function, Attribute) else 1))
    if data is None or not isinstance(shift, int):
        return None
    step = Step(value.place, f"`{value.code}` moves it by {shift}") if value.place else None
    return data, {None: -shift}, step


def _stored(program: Program, value: Value) -> list[tuple[Value, Linear, Step | None]] | None:
    """What was written over a whole tensor in place: `labels[:, :-1] = ids[:, 1:]`."""
    found: list[tuple[Value, Linear, Step | None]] = []
    for event in program.stores_into(value):
        key = event.key
        if not isinstance(key, Value) or isinstance(event.value, Constant):
            continue
        target = _cut(Item(value, key, event.node, event.file))
        if target is not None and not isinstance(event.value, (Setting, Parameter)):
            start = {name: -amount for name, amount in target[1].items()}
            found.append((event.value, start, Step(event.place, "is overwritten here")))
    return found or None


def linear(value: Value | None) -> Linear:
    """An index as a sum of integer multiples.

    Args:
        value: The index.
    """
    if isinstance(value, Constant) and isinstance(value.value, int):
        return {None: int(value.value)}
    if isinstance(value, Operation) and value.symbol in {"+", "-"} and len(value.operands) == 2:
        one, two = linear(value.operands[0]), linear(value.operands[1])
        sign = 1 if value.symbol == "+" else -1
        return {key: one.get(key, 0) + sign * two.get(key, 0) for key in {*one, *two}}
    return {fingerprint(value): 1} if value is not None else {}


def fingerprint(value: Value | None) -> object:
    """Something that is equal for two expressions that must have the same value.

    Args:
        value: The expression's value.
    """
    if isinstance(value, Constant):
        return ("constant", type(value.value).__name__, repr(value.value))
    if isinstance(value, External):
        return ("external", value.name)
    if isinstance(value, Operation):
        return (value.symbol, *map(fingerprint, value.operands))
    if isinstance(value, Attribute):
        return ("attribute", fingerprint(value.base), value.name)
    if isinstance(value, Item):
        key = value.index.value if isinstance(value.index, Constant) else None
        if isinstance(key, str) and key in PARALLEL:
            return ("column", fingerprint(value.base))
        return ("item", fingerprint(value.base), fingerprint(value.index))
    if isinstance(value, Call) and name_of(value.function) in PURE:
        return ("call", name_of(value.function), *map(fingerprint, value.args))
    return value
