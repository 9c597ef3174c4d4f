"""Attributes, items and elements of values: what was stored there, what a class defines, or a node that says where."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from trainclinic.script.program.definitions import Class, Function, Instance, Module, Super
from trainclinic.script.program.names import is_library
from trainclinic.script.program.settings import environment_setting, field_of, option_of
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
    Option,
    Spread,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.walk import Walk
    from trainclinic.script.sources.source import SourceFile

MOST_WAYS = 4
"""Alternatives of a value whose attributes are looked up one by one."""
SAME_ELEMENTS = frozenset(
    {"tqdm", "track", "list", "tuple", "iter", "reversed", "sorted", "islice", "cycle", "prefetch"}
    | {"skip_first_batches", "prepare_data_loader"}
)
"""Functions that hand on the elements of their first argument."""

SAME_ROWS = frozenset({"shuffle", "select", "take", "skip", "train_test_split", "remove_columns", "flatten_indices"})
"""Methods of data sets that hand on rows as they are."""


def attribute(walk: Walk, base: Value, name: str, node: ast.AST | None, file: SourceFile | None) -> Value:
    """`base.name` in the state that the walk is in.

    Args:
        walk: The walk.
        base: The value.
        name: The attribute.
        node: The code.
        file: Its file.
    """
    held = walk.memory.held.get((base, f".{name}"))
    if held is not None:
        return held
    if isinstance(base, External) and (is_library(base.name) or "." not in base.name):
        return walk.submodule(f"{base.name}.{name}", file) or External(f"{base.name}.{name}", node, file)
    if isinstance(base, Module):
        found = base.scope.names.get(name)
        return found or walk.submodule(f"{base.name}.{name}", file) or External(f"{base.name}.{name}", node, file)
    if isinstance(base, (Instance, Class, Super)):
        found = _member(walk, base, name)
        if found is not None:
            return found
    if isinstance(base, Choice) and len(base.options) <= MOST_WAYS:
        ways = [(attribute(walk, one.value, name, node, file), one.when) for one in base.options]
        if not all(isinstance(value, Attribute) for value, _ in ways):
            return Choice(tuple(Option(value, when) for value, when in ways), node, file)
    option = option_of(walk, base, name)
    return option or walk.once((base, f".{name}"), lambda: Attribute(base, name, node, file))


def _member(walk: Walk, base: Instance | Class | Super, name: str) -> Value | None:
    """What the classes of the files define under a name, bound where it is a method."""
    if isinstance(base, Super):
        found = next((known for one in base.after.bases if isinstance(one, Class) if (known := one.find(name))), None)
        receiver: Value = base.instance
    else:
        found = (base.cls if isinstance(base, Instance) else base).find(name)
        receiver = base
    if not isinstance(found, Function):
        return field_of(walk, base, name, found)
    marks = {value.name.rpartition(".")[2] for value in found.decorators if isinstance(value, External)}
    if "staticmethod" in marks:
        return found
    if isinstance(base, Class):
        return found.bound_to(base) if "classmethod" in marks else found
    bound = found.bound_to(receiver)
    if marks & {"property", "cached_property"}:
        return walk.follow(bound, (), (), None) or Unknown(found.definition, found.file)
    return bound


def item(walk: Walk, base: Value, index: Value, node: ast.AST | None, file: SourceFile | None) -> Value:
    """`base[index]` in the state that the walk is in.

    Args:
        walk: The walk.
        base: What is indexed.
        index: The index.
        node: The code.
        file: Its file.
    """
    if not isinstance(index, Constant):
        return _computed_item(walk, base, index, node, file)
    key = index.value
    try:
        held = walk.memory.held.get((base, ("item", key)))
    except TypeError:
        return Item(base, index, node, file)
    if held is not None:
        return held
    found = _constant_item(walk, base, index, node, file)
    return found or walk.once((base, ("item", key)), lambda: Item(base, index, node, file))


def _computed_item(walk: Walk, base: Value, index: Value, node: ast.AST | None, file: SourceFile | None) -> Value:
    """`base[i]`: one element of a list that is written out or made row by row."""
    if isinstance(base, Each) and base.kind in {"list", "rows"} and not _is_slice(index):
        return base.element
    if isinstance(base, Instance) and not _is_slice(index):
        return _row(walk, base, index) or Item(base, index, node, file)
    if isinstance(base, External) and base.name == "os.environ":
        return Unknown(node, file)
    return Item(base, index, node, file)


def _is_slice(index: Value) -> bool:
    from trainclinic.script.program.values import Span

    return isinstance(index, Span) or (isinstance(index, Items) and any(isinstance(e, Span) for e in index.elements))


def _constant_item(
    walk: Walk, base: Value, index: Constant, node: ast.AST | None, file: SourceFile | None
) -> Value | None:
    key = index.value
    if isinstance(base, (Items, Mapping)):
        return _written_item(walk, base, key)
    if isinstance(base, External) and base.name == "os.environ" and isinstance(key, str):
        return environment_setting(walk, key, None, node, file)
    if isinstance(base, Choice) and len(base.options) <= MOST_WAYS:
        ways = [Option(item(walk, one.value, index, node, file), one.when) for one in base.options]
        return Choice(tuple(ways), node, file) if any(not isinstance(o.value, Item) for o in ways) else None
    if isinstance(base, Each) and base.kind in {"list", "rows"} and isinstance(key, int):
        return base.element
    if isinstance(base, Instance):
        return _row(walk, base, index)
    if isinstance(base, Element):
        return _column(walk, base, key)
    return option_of(walk, base, key) if isinstance(key, str) else None


def _column(walk: Walk, row: Element, key: Any) -> Value | None:
    """A column of a row: what the function that made the rows returned for it, else the same column before it."""
    source = _with_same_rows(row.of)
    if not isinstance(source, Call) or not isinstance(key, str) or "rows" not in source.callbacks:
        return None
    found = value_of(walk, source.callbacks["rows"], key)
    if found is not None or source.receiver is None:
        return found
    base = source.receiver
    before = walk.once((base, "row before"), lambda: Element(base, row.node, row.file))
    return item(walk, before, Constant(key), row.node, row.file)


def _with_same_rows(source: Value) -> Value:
    """The data set whose rows another one hands on: shuffled, cut, or one part of a split."""
    for _ in range(16):
        if isinstance(source, Item) and isinstance(source.base, Call) and source.base.method == "train_test_split":
            source = source.base
        if not isinstance(source, Call) or source.method not in SAME_ROWS or not isinstance(source.function, Attribute):
            return source
        source = source.function.base
    return source


def value_of(walk: Walk, base: Value, key: str) -> Value | None:
    """What a dictionary-like value holds under a key, as far as the code says it; `None` when it does not."""
    held = walk.memory.held.get((base, ("item", key)))
    if held is not None:
        return held
    if isinstance(base, Mapping):
        return _written_item(walk, base, key)
    if isinstance(base, Choice):
        found = [(value_of(walk, one.value, key), one.when) for one in base.options[:MOST_WAYS]]
        known = tuple(Option(value, when) for value, when in found if value is not None)
        return (known[0].value if len(known) == 1 else Choice(known, base.node, base.file)) if known else None
    if isinstance(base, Each) and base.kind in {"list", "generator", "rows"}:
        return value_of(walk, base.element, key)
    if isinstance(base, Element):
        return _column(walk, base, key)
    if isinstance(base, Items) and base.kind == "list" and len(base.elements) == 1:
        return value_of(walk, base.elements[0], key)
    return None


def _written_item(walk: Walk, base: Items | Mapping, key: Any) -> Value | None:
    if isinstance(base, Mapping):
        for known, value in reversed(base.entries):
            if known is None:
                found = value_of(walk, value, key) if isinstance(key, str) else None
                if found is not None:
                    return found
            elif isinstance(known, Constant) and known.value == key:
                return value
        return None
    spread = any(isinstance(element, Spread) for element in base.elements)
    if (
        isinstance(key, int)
        and not isinstance(key, bool)
        and not spread
        and -len(base.elements) <= key < len(base.elements)
    ):
        return base.elements[key]
    return None


def element_of(walk: Walk, over: Value, node: ast.AST, file: SourceFile | None) -> Value:
    """What one round of a loop over a value gets.

    Args:
        walk: The walk.
        over: What is iterated over.
        node: The code.
        file: Its file.
    """
    if isinstance(over, Items):
        return _one_of(walk, over, node, file)
    if isinstance(over, Each):
        return over.element
    if isinstance(over, Instance):
        found = _iterated(walk, over) or _row(walk, over, Unknown(node, file))
        if found is not None:
            return found
    if isinstance(over, Call):
        found = _element_of_call(walk, over, node, file)
        if found is not None:
            return found
    return walk.once((over, "element"), lambda: Element(over, node, file))


def _one_of(walk: Walk, over: Items, node: ast.AST, file: SourceFile | None) -> Value:
    elements = [e for e in (*over.elements, *walk.appended(over)) if not isinstance(e, Spread)]
    if len(elements) == 1:
        return elements[0]
    if elements and len(elements) <= 2 * MOST_WAYS:
        return walk.once(
            (over, "one of", len(elements)), lambda: Choice(tuple(Option(e, ()) for e in elements), node, file)
        )
    return walk.once((over, "element"), lambda: Element(over, node, file))


def _iterated(walk: Walk, over: Instance) -> Value | None:
    method = over.cls.find("__iter__")
    if not isinstance(method, Function):
        return None
    made = walk.follow(method.bound_to(over), (), (), None)
    if isinstance(made, Instance):
        step = made.cls.find("__next__")
        return walk.follow(step.bound_to(made), (), (), None) if isinstance(step, Function) else None
    return made.element if isinstance(made, Each) else None


def _row(walk: Walk, over: Instance, index: Value) -> Value | None:
    method = over.cls.find("__getitem__")
    if not isinstance(method, Function) or method.file is None:
        return None
    return walk.once(
        (over, "row"),
        lambda: walk.follow(method.bound_to(over), (index,), (), None) or Unknown(None, None),
    )


def _element_of_call(walk: Walk, over: Call, node: ast.AST, file: SourceFile | None) -> Value | None:
    name = over.method
    first = over.args[0] if over.args else None
    if name == "enumerate" and first is not None:
        return Items("tuple", (Unknown(node, file), element_of(walk, first, node, file)), node, file)
    if name == "zip":
        return Items("tuple", tuple(element_of(walk, arg, node, file) for arg in over.args), node, file)
    if name in SAME_ELEMENTS and first is not None and not isinstance(over.receiver, (Instance, Mapping)):
        return element_of(walk, first, node, file)
    if name in {"DataLoader", "StatefulDataLoader"}:
        return _batch(walk, over, node, file)
    if name == "items" and isinstance(over.receiver, Value):
        return Items("tuple", (Unknown(node, file), Element(over.receiver, node, file)), node, file)
    return None


def _batch(walk: Walk, loader: Call, node: ast.AST, file: SourceFile | None) -> Value | None:
    """One batch of a loader: what its collate function makes of rows, else rows with their structure."""
    if "collate_fn" in loader.callbacks:
        return loader.callbacks["collate_fn"]
    named = dict(loader.keywords)
    rows = loader.args[0] if loader.args else named.get("dataset")
    if rows is None or "collate_fn" in named:
        return None
    return walk.once((loader, "element"), lambda: element_of(walk, rows, node, file))
