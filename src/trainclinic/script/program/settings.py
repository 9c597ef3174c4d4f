"""What a user of the program sets without editing it: options, environment variables, fields of configurations."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from trainclinic.script.program.definitions import Class, Instance, Super
from trainclinic.script.program.open_values import Setting
from trainclinic.script.program.values import Call, Constant, External, Item, Items, Value

if TYPE_CHECKING:
    from trainclinic.script.program.walk import Walk
    from trainclinic.script.sources.source import SourceFile

PARSED = frozenset({"parse_args", "parse_known_args"})
FIELD_CLASSES = frozenset({"dataclass", "dataclasses.dataclass", "BaseModel", "BaseSettings", "Tap", "NamedTuple"})


def environment_setting(
    walk: Walk, name: str, default: Value | None, node: ast.AST | None, file: SourceFile | None
) -> Setting:
    """An environment variable, with what launch scripts set it to.

    Args:
        walk: The walk.
        name: The variable.
        default: What the code takes without it.
        node: The code that reads it.
        file: Its file.
    """
    return walk.once(
        ("environment", name, default),
        lambda: Setting(name, "environment", default, walk.given("environment", name), node, file),
    )


def option_of(walk: Walk, base: Value, name: str) -> Setting | None:
    """An option of an argument parser, when `base` is what it parsed.

    Args:
        walk: The walk.
        base: `parser.parse_args()`, `vars(...)` of it, or the first of `parse_known_args()`.
        name: Name of the attribute or key.
    """
    parsed = base
    if isinstance(parsed, Call) and parsed.method == "vars" and parsed.args:
        parsed = parsed.args[0]
    if isinstance(parsed, Item) and isinstance(parsed.base, Call) and parsed.base.method == "parse_known_args":
        parsed = parsed.base
    if not isinstance(parsed, Call) or parsed.method not in PARSED:
        return None
    declared = walk.options.get(name)
    if declared is None:
        return None
    return walk.once(
        ("argument", name),
        lambda: Setting(
            name, "argument", _default(declared), walk.given("options", name), declared.node, declared.file
        ),
    )


def _default(declared: Call) -> Value | None:
    """What an option is when it is not given."""
    named = {name: value for name, value in declared.keywords if name}
    if "default" in named:
        return named["default"]
    action = named.get("action")
    if isinstance(action, Constant) and action.value in {"store_true", "store_false"}:
        return Constant(action.value == "store_false", declared.node, declared.file)
    return None


def option_names(declared: Call) -> list[str]:
    """Names under which `add_argument` makes an option available.

    Args:
        declared: The call of `add_argument`.
    """
    for name, value in declared.keywords:
        if name == "dest" and isinstance(value, Constant):
            return [str(value.value)]
    flags = [arg.value for arg in declared.args if isinstance(arg, Constant) and isinstance(arg.value, str)]
    long = [flag for flag in flags if flag.startswith("--")] or flags
    return [flag.lstrip("-").replace("-", "_") for flag in long]


def field_of(walk: Walk, base: Instance | Class | Super, name: str, default: Value | None) -> Value | None:
    """A field of a configuration class: a setting, for its default can be overridden; other members stay.

    Args:
        walk: The walk.
        base: The object or class.
        name: The field.
        default: What the class body assigns.
    """
    if default is None or not isinstance(base, Instance) or not is_configuration(base.cls):
        return default
    if base.call is not None:
        handed = dict(base.call.keywords).get(name) or _positional(base.cls, base.call, name)
        if handed is not None:
            return handed
    plain = _plain_default(default)
    return walk.once(
        (base, "field", name),
        lambda: Setting(name, "field", plain, walk.given("options", name), default.node, default.file),
    )


def is_configuration(cls: Class) -> bool:
    """Whether instances of a class are made of its annotated fields."""
    marks: list[Any] = [*cls.decorators]
    for one in cls.lineage():
        marks += [*one.decorators, one] if isinstance(one, Class) else [one]
    names = [m.name for m in marks if isinstance(m, External)]
    names += [m.function.name for m in marks if isinstance(m, Call) and isinstance(m.function, External)]
    return any(name in FIELD_CLASSES or name.rpartition(".")[2] in FIELD_CLASSES for name in names)


def _positional(cls: Class, call: Call, name: str) -> Value | None:
    fields = [
        statement.target.id
        for statement in cls.definition.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]
    return call.args[fields.index(name)] if name in fields and fields.index(name) < len(call.args) else None


def _plain_default(default: Value) -> Value | None:
    """`field(default=x)` is `x`; a factory is what a walk cannot call."""
    if isinstance(default, Call) and default.method in {"field", "Field"}:
        named = {name: value for name, value in default.keywords if name}
        if "default" in named:
            return named["default"]
        if default.args:
            return default.args[0]
        return Items("list", (), default.node, default.file) if _is_list(named.get("default_factory")) else None
    return default


def _is_list(factory: Value | None) -> bool:
    return isinstance(factory, External) and factory.name == "builtins.list"
