"""Objects that are made anew each time somebody asks for them: what is stored in one is lost with the next statement.

It knows properties and functions of the files that build what they return, and methods of libraries that return copies.
An object that is kept anywhere, or handed to anything, is taken to live on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Class, Function, Instance
from trainclinic.script.program.names import name_of
from trainclinic.script.program.once import asked_once, listed_once
from trainclinic.script.program.values import Call, Choice, Constant, External, Mapping, Value

if TYPE_CHECKING:
    from trainclinic.script.places import Place
    from trainclinic.script.program.events import StoreEvent
    from trainclinic.script.program.program import Program
    from trainclinic.script.sources.source import SourceFile

COPIES = frozenset(
    {"to_dict", "to_diff_dict", "asdict", "_asdict", "model_dump", "state_dict", "get_vocab", "deepcopy"}
)
"""Methods and functions of libraries that return a new object each time."""
_BUILDERS = frozenset(
    {
        "types.SimpleNamespace",
        "argparse.Namespace",
        "builtins.dict",
        "collections.OrderedDict",
        "collections.defaultdict",
        "copy.copy",
        "copy.deepcopy",
        "dataclasses.replace",
        "dataclasses.asdict",
        "json.load",
        "json.loads",
        "yaml.safe_load",
        "omegaconf.OmegaConf.create",
        "omegaconf.OmegaConf.load",
        "easydict.EasyDict",
        "box.Box",
        "munch.Munch",
    }
)


@dataclass(frozen=True, slots=True)
class Lost:
    """A store on an object that nobody holds.

    Attributes:
        place: The store.
        target: The object as the code names it.
        key: What is stored.
        maker: What makes the object anew: the name of a property, function or method.
        kind: `property`, `function` or `copy`.
        made: Where the object is made; `None` for a library.
        is_sure: Whether the object is known, not one of several that a name may mean.
    """

    place: Place
    target: str
    key: str
    maker: str
    kind: str
    made: Place | None
    is_sure: bool = True


def lost_stores(program: Program) -> Iterator[Lost]:
    """Stores whose object is gone when the statement ends, in order, once per place.

    Args:
        program: The program.
    """
    seen: set[ast.AST] = set()
    for event in program.stores:
        link = _link(event.node)
        if event.base is None or link is None or event.node in seen:
            continue
        found = _copy(event, link) or _own_call(program, event, link) or _property(program, event, link)
        if found is not None:
            seen.add(event.node)
            yield found
    yield from _by_computed_name(program)


def _link(node: ast.AST) -> ast.expr | None:
    """The code of the object in which something is stored."""
    if isinstance(node, ast.AugAssign):
        node = node.target
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return node.value
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name) and node.func.id == "setattr" and node.args:
        return node.args[0]
    return node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "update" else None


def _lost(event: StoreEvent, link: ast.expr, maker: str, kind: str, made: Place | None) -> Lost:
    key = event.key.value if isinstance(event.key, Constant) else event.key
    return Lost(event.place, ast.unparse(link), key if isinstance(key, str) else "...", maker, kind, made)


def _copy(event: StoreEvent, link: ast.expr) -> Lost | None:
    """`config.to_dict()["x"] = 1`."""
    base = event.base
    if not isinstance(link, ast.Call) or not isinstance(base, Call) or base.result is not None:
        return None
    if isinstance(base.function, Function) or base.method not in COPIES:
        return None
    return _lost(event, link, base.method, "copy", None)


def _own_call(program: Program, event: StoreEvent, link: ast.expr) -> Lost | None:
    """`get_config().x = 1`, where the function builds what it returns."""
    if not isinstance(link, ast.Call) or event.base is None:
        return None
    for call in _calls_by_code(program).get(link, ()):
        function = call.function
        if isinstance(function, Function) and call.result is event.base:
            is_plain = not function.decorators or _is_method_mark(function)
            if is_plain and _is_fresh(program, event.base, function, event):
                return _lost(event, link, function.name, "function", event.base.place)
    return None


@asked_once
def _calls_by_code(program: Program) -> dict[ast.AST, list[Call]]:
    """Calls of functions of the files, by their code."""
    found: dict[ast.AST, list[Call]] = {}
    for event in program.calls:
        if isinstance(event.call.function, Function):
            found.setdefault(event.node, []).append(event.call)
    return found


def _is_method_mark(function: Function) -> bool:
    return all(name_of(mark).rpartition(".")[2] in {"staticmethod", "classmethod"} for mark in function.decorators)


def _property(program: Program, event: StoreEvent, link: ast.expr) -> Lost | None:
    """`config.model.x = 1`, where `model` is a property that builds what it returns."""
    if not isinstance(link, ast.Attribute) or event.base is None:
        return None
    for function in _properties(program):
        if function.name == link.attr and _is_fresh(program, event.base, function, event):
            return _lost(event, link, function.name, "property", event.base.place)
    return None


@listed_once
def _properties(program: Program) -> Iterator[Function]:
    for function in program.functions:
        if function.owner is not None and [name_of(mark) for mark in function.decorators] == ["builtins.property"]:
            yield function


def _is_fresh(program: Program, value: Value, function: Function, event: StoreEvent | None) -> bool:
    """Whether a function builds a value each time it is called, and keeps it nowhere."""
    if isinstance(value, Choice):
        return all(_is_fresh(program, one.value, function, event) for one in value.options)
    if not _is_inside(value.node, value.file, function) or not _is_built(value, event):
        return False
    stores = _stores_of(program).get(value, ())
    is_kept = any(one.kind != "name" or _is_shared(one, function) for one in stores)
    return not is_kept and not _is_handed_on(program, value)


def _is_inside(node: ast.AST | None, file: SourceFile | None, function: Function) -> bool:
    whole = function.definition
    first, last = whole.lineno, whole.end_lineno or whole.lineno
    return file is function.file and first <= getattr(node, "lineno", 0) <= last


def _is_built(value: Value, event: StoreEvent | None) -> bool:
    """Whether a value is a new object of a kind that keeps what is stored in it to itself."""
    if isinstance(value, Mapping):
        return True
    if isinstance(value, Call):
        return isinstance(value.function, External) and name_of(value.function) in _BUILDERS
    if not isinstance(value, Instance):
        return False
    hooks = ("__new__", "__setattr__", "__setitem__", "__call__")
    key = event.key if event is not None and isinstance(event.key, str) else ""
    return not any(value.cls.find(name) is not None for name in hooks) and not isinstance(value.cls.find(key), Function)


def _is_shared(event: StoreEvent, function: Function) -> bool:
    """Whether a name is declared to be one of the module."""
    declared = (node.names for node in ast.walk(function.definition) if isinstance(node, (ast.Global, ast.Nonlocal)))
    return any(event.key in names for names in declared)


def _is_handed_on(program: Program, value: Value) -> bool:
    return value in _handed_on(program)


@asked_once
def _handed_on(program: Program) -> set[Value]:
    """Every argument, but those of functions that read and write attributes by name."""
    setters = {"builtins.setattr", "builtins.getattr", "builtins.hasattr"}
    calls = [event.call for event in program.calls if name_of(event.call.function) not in setters]
    return {given for call in calls for given in (*call.args, *(held for _, held in call.keywords))}


def _by_computed_name(program: Program) -> Iterator[Lost]:
    """`setattr(getattr(config, section), name, value)`, where the section can be such a property."""
    for call in program.calls_of("builtins.setattr"):
        target = call.args[0] if call.args else None
        if not isinstance(target, Call) or name_of(target.function) != "builtins.getattr" or len(target.args) < 2:
            continue
        held = target.args[0]
        known = held.cls if isinstance(held, Instance) else None
        properties = [one for one in _properties(program) if _builds(program, one, known)]
        owners = {one.owner for one in properties}
        if call.place is not None and (known is not None or len(owners) == 1) and properties:
            name = properties[0].name
            yield Lost(call.place, target.code, "...", name, "property", properties[0].place, is_sure=False)


def _builds(program: Program, function: Function, known: Class | None) -> bool:
    """Whether a property of a class (of any, when it is not known) builds what it returns."""
    if function.owner is None or (known is not None and function.owner not in set(known.lineage())):
        return False
    returned = _returned(program).get(function.definition, [])
    return bool(returned) and all(_is_fresh(program, value, function, None) for value in returned)


@asked_once
def _returned(program: Program) -> dict[ast.AST, list[Value]]:
    """What functions return, by their definition."""
    found: dict[ast.AST, list[Value]] = {}
    for one in program.returns:
        if one.activation.function is not None:
            found.setdefault(one.activation.function.definition, []).append(one.value)
    return found


@asked_once
def _stores_of(program: Program) -> dict[Value, list[StoreEvent]]:
    """Stores by the value that is stored."""
    found: dict[Value, list[StoreEvent]] = {}
    for one in program.stores:
        found.setdefault(one.value, []).append(one)
    return found
