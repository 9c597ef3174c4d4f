"""Calls: functions of the files are followed, a few of the libraries are understood, all are remembered."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from trainclinic.script.program.access import attribute, element_of, item, value_of
from trainclinic.script.program.definitions import Class, Function, Instance, Super
from trainclinic.script.program.objects import SAME_OBJECT, lineage
from trainclinic.script.program.open_values import Setting
from trainclinic.script.program.settings import environment_setting, option_names
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Choice,
    Constant,
    Element,
    External,
    Items,
    Mapping,
    Spread,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.binding import Unbound
    from trainclinic.script.program.scopes import Scope
    from trainclinic.script.program.walk import Walk

MOST_CALLEES = 3
"""Alternatives of a called value that are followed."""
ROW_FUNCTIONS = frozenset({"map", "filter", "with_transform", "set_transform"})
"""Methods of data sets that call a function for every row, or for every batch of rows."""
STARTERS = frozenset({"Fire", "run", "spawn", "notebook_launcher", "debug_launcher", "submit", "Thread", "Process"})
"""Calls that run a function with arguments of their own."""
DATASETS = ("train_dataset", "eval_dataset")

Keywords = tuple[tuple[str | None, Value], ...]


def call(
    walk: Walk, function: Value, args: tuple[Value, ...], keywords: Keywords, node: ast.Call, scope: Scope
) -> Value:
    """The value of a call, with everything that happens inside it.

    Args:
        walk: The walk.
        function: What is called.
        args: Positional arguments.
        keywords: Keyword arguments.
        node: The code.
        scope: Names around it.
    """
    made = Call(function, args, keywords, node, scope.file)
    walk.emit_call(made, node, scope.file)
    result = follow_call(walk, function, made, node)
    if result is None:
        understood = _UNDERSTOOD.get(made.method)
        result = understood(walk, made) if understood is not None else None
    if result is None:
        _call_back(walk, made)
        return made
    made.result = result
    return result


def follow_call(walk: Walk, function: Value, made: Call, node: ast.AST) -> Value | None:
    """What a call of something of the files returns; `None` for what is not of the files, or was followed enough."""
    if isinstance(function, Function):
        return walk.follow(function, made.args, made.keywords, made)
    if isinstance(function, Class):
        return _instantiated(walk, function, made)
    if isinstance(function, Instance):
        method = function.cls.find("__call__") or function.cls.find("forward")
        if isinstance(method, Function):
            return walk.follow(method.bound_to(function), made.args, made.keywords, made)
    if isinstance(function, Call) and function.method in {"partial", "compile"} and function.args:
        whole = Call(
            function.args[0], (*function.args[1:], *made.args), (*function.keywords, *made.keywords), node, made.file
        )
        whole.event = made.event
        return follow_call(walk, function.args[0], whole, node)
    if isinstance(function, (Call, Attribute)):
        instance = next((one for one in lineage(function) if isinstance(one, Instance)), None)
        return follow_call(walk, instance, made, node) if instance is not None else None
    if isinstance(function, Choice):
        results = [follow_call(walk, one.value, made, node) for one in function.options[:MOST_CALLEES]]
        return next((one for one in results if one is not None), None)
    return None


def _instantiated(walk: Walk, cls: Class, made: Call) -> Value:
    instance = Instance(cls, made, made.node, made.file)
    walk.instances.setdefault(cls, instance)
    method = cls.find("__init__")
    if isinstance(method, Function):
        walk.follow(method.bound_to(instance), made.args, made.keywords, made)
    else:
        _call_back(walk, made)
    return instance


def _call_back(walk: Walk, made: Call) -> None:
    """A library calls the functions that it is given: with rows where we know that, else somehow."""
    named: list[tuple[str, Value]] = [(str(at), value) for at, value in enumerate(made.args)]
    named += [(name, value) for name, value in made.keywords if name is not None]
    held = dict(named)
    for name in DATASETS:
        if name in held and isinstance(held[name], Instance):
            made.callbacks[name] = element_of(walk, held[name], _node(made), made.file)
    for name, value in named:
        if not isinstance(value, (Function, Instance)) and not _is_partial(value):
            continue
        args = _handed(walk, made, name, held)
        if args is None:
            continue
        result = _run(walk, value, args, made)
        if result is not None:
            made.callbacks["rows" if made.method in ROW_FUNCTIONS and name in {"0", "function"} else name] = result


def _is_partial(value: Value) -> bool:
    return isinstance(value, Call) and value.method == "partial" and bool(value.args)


def _handed(walk: Walk, made: Call, name: str, held: dict[str, Value]) -> tuple[Value, ...] | None:
    """Arguments that a library will give to a function; empty where we do not know, `None` where it is not called."""
    is_callable = not isinstance(held[name], Instance)
    if made.method in ROW_FUNCTIONS and made.receiver is not None and name in {"0", "function", "transform"}:
        source = made.receiver
        return (walk.once((source, "row before"), lambda: Element(source, made.node, made.file)),)
    if name in {"collate_fn", "data_collator"}:
        rows = held.get("dataset") or held.get("train_dataset") or (made.args[0] if made.args else None)
        if rows is None or made.method == "get_peft_model":
            return ()
        row = made.callbacks.get("train_dataset") or element_of(walk, rows, _node(made), made.file)
        return (Items("list", (row,), made.node, made.file),)
    if name == "formatting_func" and "train_dataset" in held:
        return (walk.once((held["train_dataset"], "element"), lambda: Element(held["train_dataset"])),)
    return () if is_callable else None


def _run(walk: Walk, value: Value, args: tuple[Value, ...], made: Call) -> Value | None:
    """Follow a function that a library calls."""
    if isinstance(value, Instance):
        method = value.cls.find("__call__")
        return walk.follow(method.bound_to(value), args, (), made) if isinstance(method, Function) else None
    if isinstance(value, Call):
        inner, *bound = value.args
        return walk.follow(inner, (*bound, *args), value.keywords, made) if isinstance(inner, Function) else None
    if not isinstance(value, Function):
        return None
    if made.method in STARTERS:
        unbound: Unbound = "setting" if made.method in {"Fire", "run"} else "default"
        return walk.follow(value, _started_with(made), (), made, unbound=unbound)
    return walk.follow(value, args, (), made, unbound="parameter")


def _started_with(made: Call) -> tuple[Value, ...]:
    """Arguments in `spawn(fn, args=(...))`, `notebook_launcher(fn, (...))`, `submit(fn, ...)`."""
    named = dict(made.keywords)
    handed = named.get("args")
    if isinstance(handed, Items):
        return (Unknown(), *handed.elements) if made.method == "spawn" else handed.elements
    if made.method == "submit":
        return made.args[1:]
    return made.args[1].elements if len(made.args) > 1 and isinstance(made.args[1], Items) else ()


def _node(made: Call) -> ast.AST:
    assert made.node is not None
    return made.node


def _named(made: Call) -> dict[str, Value]:
    return {name: value for name, value in made.keywords if name is not None}


def _text(value: Value | None) -> str | None:
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def _super(walk: Walk, made: Call) -> Value | None:
    function = walk.frame.function
    if made.args or not isinstance(made.function, External) or function is None or function.owner is None:
        return None
    receiver, owner = function.receiver or Unknown(made.node, made.file), function.owner
    return walk.once((receiver, "super", owner), lambda: Super(receiver, owner, _node(made), made.file))


def _dict(walk: Walk, made: Call) -> Value | None:
    if not isinstance(made.function, External) or len(made.args) > 1:
        return None
    spread: tuple[tuple[Value | None, Value], ...] = tuple((None, arg) for arg in made.args)
    if made.args and isinstance(made.args[0], Mapping):
        spread = walk.entries(made.args[0])
    named = tuple((Constant(name, made.node, made.file) if name else None, value) for name, value in made.keywords)
    return Mapping((*spread, *named), made.node, made.file)


def _getattr(walk: Walk, made: Call) -> Value | None:
    name = _text(made.args[1]) if len(made.args) > 1 else None
    return attribute(walk, made.args[0], name, made.node, made.file) if name else None


def _setattr(walk: Walk, made: Call) -> Value | None:
    name = _text(made.args[1]) if len(made.args) == 3 else None
    if name is None:
        return None
    walk.store_attribute(made.args[0], name, made.args[2], _node(made), made.file)
    return Constant(None, made.node, made.file)


def _getenv(walk: Walk, made: Call) -> Value | None:
    name = _text(made.args[0]) if made.args else None
    if name is None:
        return None
    default = made.args[1] if len(made.args) > 1 else _named(made).get("default")
    return environment_setting(walk, name, default, made.node, made.file)


def _get(walk: Walk, made: Call) -> Value | None:
    """`os.environ.get` and `.get` of a dictionary that the code writes out."""
    if isinstance(made.function, External):
        return _getenv(walk, made) if made.function.name == "os.environ.get" else None
    key = _text(made.args[0]) if made.args else None
    if key is None or made.receiver is None:
        return None
    found = value_of(walk, made.receiver, key)
    if found is None and isinstance(made.receiver, Mapping) and all(k is not None for k, _ in made.receiver.entries):
        return made.args[1] if len(made.args) > 1 else Constant(None, made.node, made.file)
    return found


def _append(walk: Walk, made: Call) -> Value | None:
    if isinstance(made.receiver, Items) and made.args:
        walk.append(made.receiver, made.args[0])
        return Constant(None, made.node, made.file)
    return None


def _update(walk: Walk, made: Call) -> Value | None:
    receiver = made.receiver
    if receiver is None or isinstance(receiver, (Instance, External)):
        return None
    entries = [(Constant(name), value) for name, value in made.keywords if name is not None]
    if made.args and isinstance(made.args[0], Mapping):
        entries += [(key, value) for key, value in walk.entries(made.args[0]) if isinstance(key, Constant)]
    for key, value in entries:
        walk.store_item(receiver, key, value, _node(made), made.file)
    return Constant(None, made.node, made.file) if entries else None


def _add_argument(walk: Walk, made: Call) -> Value | None:
    for name in option_names(made):
        walk.options[name] = made
    return None


def _prepare(walk: Walk, made: Call) -> Value | None:
    """`accelerator.prepare(a, b)` hands back what it was given, prepared."""
    if made.keywords or not made.args or any(isinstance(arg, Spread) for arg in made.args):
        return None
    for arg in made.args:
        walk.memory.write(walk.memory.held, (arg, "#prepared"), made)
    return made.args[0] if len(made.args) == 1 else Items("tuple", made.args, made.node, made.file)


def _parse_into_classes(walk: Walk, made: Call) -> Value | None:
    """`HfArgumentParser((A, B)).parse_args_into_dataclasses()`: one object per class, its fields set by the user."""
    parser = made.receiver
    if not isinstance(parser, Call) or not parser.args:
        return None
    classes = parser.args[0].elements if isinstance(parser.args[0], Items) else parser.args[:1]
    made_of = tuple(_parsed(walk, one, made) for one in classes)
    return Items("tuple", made_of, made.node, made.file)


def _parsed(walk: Walk, cls: Value, made: Call) -> Value:
    if isinstance(cls, Class):
        inner = Call(cls, (), (), _node(made), made.file)
        inner.event = made.event
        return _instantiated(walk, cls, inner)
    options = tuple(
        (name, Setting(name, "argument", None, given, made.node, made.file)) for name, given in walk.all_given().items()
    )
    inner = Call(cls, (), options, _node(made), made.file)
    if made.file is not None:
        walk.emit_call(inner, _node(made), made.file)
    return inner


def _same_object(walk: Walk, made: Call) -> Value | None:
    """`module.to(device)` is the module; of an object of the files we know that it has no such method of its own."""
    del walk
    return made.receiver if isinstance(made.receiver, Instance) else None


def _next(walk: Walk, made: Call) -> Value | None:
    return element_of(walk, made.args[0], _node(made), made.file) if made.args else None


def _pop(walk: Walk, made: Call) -> Value | None:
    key = made.args[0] if made.args else None
    if isinstance(key, Constant) and isinstance(key.value, str) and made.receiver is not None:
        return item(walk, made.receiver, key, made.node, made.file)
    return None


_UNDERSTOOD: dict[str, Callable[[Walk, Call], Value | None]] = {
    "super": _super,
    "dict": _dict,
    "getattr": _getattr,
    "setattr": _setattr,
    "getenv": _getenv,
    "get": _get,
    "pop": _pop,
    "append": _append,
    "update": _update,
    "add_argument": _add_argument,
    "prepare": _prepare,
    "parse_args_into_dataclasses": _parse_into_classes,
    "next": _next,
    **dict.fromkeys(SAME_OBJECT, _same_object),
}
