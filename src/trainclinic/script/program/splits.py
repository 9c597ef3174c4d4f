"""Rows that a script divides into rows to train on and rows to measure on.

It knows the splitting functions of datasets, sklearn and torch, and cuts at one number. Files that were divided before
are not known here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.names import name_of
from trainclinic.script.program.once import asked_once, listed_once
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.rows import source_of
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Choice,
    Each,
    Item,
    Items,
    Operation,
    Span,
    Spread,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.places import Place
    from trainclinic.script.program.events import StoreEvent
    from trainclinic.script.program.program import Program

HELD_OUT = re.compile(r"(^|_)(eval\w*|valid\w*|val|dev|test|held\w*|holdout)(_|$|s$|\d)", re.I)
"""Names of rows to measure on."""
_FUNCTIONS = frozenset({"sklearn.model_selection.train_test_split", "torch.utils.data.random_split"})
_SAME = frozenset({"list", "tuple", "array", "asarray", "from_list", "tensor", "from_numpy", "from_pandas", "copy"})
_SELECTING = frozenset({"select", "filter", "take", "skip", "shard", "sample", "head", "tail", "query"})


@dataclass(frozen=True, slots=True)
class Split:
    """One division of rows.

    Attributes:
        data: The rows that are divided.
        place: Where.
        order: When, as events are counted.
        is_contiguous: Whether rows keep their order, so that the held-out part is one stretch of it.
    """

    data: Value
    place: Place
    order: int
    is_contiguous: bool


@listed_once
def splits(program: Program) -> Iterator[Split]:
    """Every split into rows to train on and rows to measure on: by a function, then by cutting.

    Args:
        program: The program.
    """
    for call in program.calls_ending("train_test_split", "random_split"):
        by_function = name_of(call.function) in _FUNCTIONS and bool(call.args)
        data = call.args[0] if by_function else call.receiver
        if data is not None and call.place is not None:
            yield Split(data, call.place, call.event.order, flag(argument(call, "shuffle")) is False)
    for store, (data, at) in _cuts(program):
        wanted = HELD_OUT.search(str(store.key)) is not None
        if wanted and any(_is_rest(data, at, other) for _, other in _cuts(program)):
            yield Split(data, store.place, store.order, is_contiguous=True)


@asked_once
def _cuts(program: Program) -> list[tuple[StoreEvent, tuple[Value, str]]]:
    """Names for rows before or from one number on: the store, the rows, and `<` or `>` with the number as code."""
    return [
        (store, found)
        for store in program.stores
        if store.kind in {"name", "attribute"} and (found := _cut(store.value)) is not None
    ]


def _cut(value: Value) -> tuple[Value, str] | None:
    if isinstance(value, Item) and isinstance(value.index, Span):
        start, stop = value.index.start, value.index.stop
        if (start is None) != (stop is None):
            return value.base, f"<{stop.code}" if stop is not None else f">{start.code if start is not None else ''}"
    numbers = argument(value, "indices", 0) if isinstance(value, Call) and value.method == "select" else None
    if not isinstance(value, Call) or not isinstance(numbers, Call) or numbers.method != "range" or not value.receiver:
        return None
    at = numbers.args[0].code if numbers.args else ""
    return value.receiver, f"<{at}" if len(numbers.args) == 1 else f">{at}"


def _is_rest(data: Value, at: str, other: tuple[Value, str]) -> bool:
    """Whether a cut gives the rows that another one leaves."""
    return other[0] is data and other[1][1:] == at[1:] and other[1][0] != at[0]


def joined_from(program: Program, data: Value) -> Iterator[tuple[Value, list[Value]]]:
    """Places where the rows of a data set were joined of several: the joined value, and what went into it.

    Args:
        program: The program.
        data: The data set.
    """
    queue, seen = [data], set()
    while queue:
        value = queue.pop(0)
        if value in seen:
            continue
        seen.add(value)
        parts = _parts(program, value)
        if len(parts) > 1:
            yield value, parts
        queue += parts or [*_before(value)]


def _parts(program: Program, value: Value) -> list[Value]:
    """What several data sets or lists were joined into a value; empty when it is not joined."""
    if isinstance(value, Call) and value.method in {"concatenate_datasets", "ConcatDataset", "concat"} and value.args:
        given = value.args[0]
        return [*given.elements] if isinstance(given, Items) else [given]
    if isinstance(value, Operation) and value.symbol == "+":
        return [*value.operands]
    if isinstance(value, Items) and value.kind == "list":
        longer = [call for call in program.calls_of(".extend") if call.receiver is value and call.args]
        spread = [element.value for element in value.elements if isinstance(element, Spread)]
        return [*spread, *(call.args[0] for call in longer)]
    return []


def before(value: Value) -> list[Value]:
    """Rows and what they were before each copy, change and selection, the last first.

    Args:
        value: The rows.
    """
    queue, seen = [value], []
    while queue:
        one = queue.pop(0)
        if one not in seen:
            seen.append(one)
            queue += _before(one)
    return seen


def whole(value: Value) -> Value:
    """What rows were before everything that kept all of them.

    Args:
        value: The rows.
    """
    while (found := _kept(value)) is not None:
        value = found
    return value


def _before(value: Value) -> Iterator[Value]:
    kept = _kept(value)
    if kept is not None:
        yield kept
    elif isinstance(value, Item) and isinstance(value.index, Span):
        yield value.base
    elif isinstance(value, Choice):
        yield from value.parts()
    elif isinstance(value, Each):
        yield value.over
    elif isinstance(value, Call) and isinstance(value.function, Attribute) and value.method in _SELECTING:
        yield value.function.base


def _kept(value: Value) -> Value | None:
    """What rows were before one step that keeps all of them; `None` for every other step."""
    source = source_of(value)
    if source is not value:
        return source
    if isinstance(value, Each) and isinstance(value.node, (ast.ListComp, ast.GeneratorExp)):
        return value.over if not any(one.ifs for one in value.node.generators) else None
    if isinstance(value, Call) and value.method in _SAME:
        return value.args[0] if value.args else value.receiver
    return None
