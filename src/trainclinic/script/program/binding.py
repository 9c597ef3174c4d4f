"""Arguments to parameters: what each name of a function means when a call enters it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from trainclinic.script.program.access import value_of
from trainclinic.script.program.definitions import Function
from trainclinic.script.program.open_values import Parameter, Setting
from trainclinic.script.program.scopes import Scope
from trainclinic.script.program.values import Constant, Item, Items, Mapping, Spread, Value

if TYPE_CHECKING:
    from trainclinic.script.program.walk import Walk

Unbound = Literal["default", "parameter", "setting"]
"""What a parameter without an argument is: its default, open because nobody calls the function, or set by the user."""
Keywords = tuple[tuple[str | None, Value], ...]


def bind(
    walk: Walk, function: Function, scope: Scope, args: tuple[Value, ...], keywords: Keywords, unbound: Unbound
) -> None:
    """Give every parameter its value.

    Args:
        walk: The walk.
        function: The function that is entered.
        scope: Its names, still empty.
        args: Positional arguments, without the receiver.
        keywords: Keyword arguments.
        unbound: What a parameter without an argument is.
    """
    arguments = function.definition.args
    positional = [*arguments.posonlyargs, *arguments.args]
    values = list(args) if function.receiver is None else [function.receiver, *args]
    spread = next((at for at, value in enumerate(values) if isinstance(value, Spread)), len(values))
    named = {name: value for name, value in keywords if name is not None}
    mapping = next((value for name, value in keywords if name is None), None)
    for at, argument in enumerate(positional):
        if at < spread:
            scope.names[argument.arg] = values[at]
        else:
            unsure = mapping if spread >= len(values) else None
            taken = named.pop(argument.arg, None)
            scope.names[argument.arg] = taken or _unbound(walk, function, argument, unsure, unbound)
    for argument in arguments.kwonlyargs:
        taken = named.pop(argument.arg, None)
        scope.names[argument.arg] = taken or _unbound(walk, function, argument, mapping, unbound)
    if unbound == "parameter" and not args and not keywords:
        for rest_of in (arguments.vararg, arguments.kwarg):
            if rest_of is not None:
                scope.names[rest_of.arg] = Parameter(rest_of.arg, function, None, rest_of)
        return
    if arguments.vararg is not None:
        rest = tuple(values[len(positional) :])
        scope.names[arguments.vararg.arg] = Items("tuple", rest, function.definition, function.file)
    if arguments.kwarg is not None:
        entries: list[tuple[Value | None, Value]] = [(Constant(name), value) for name, value in named.items()]
        if mapping is not None:
            entries.append((None, mapping))
        scope.names[arguments.kwarg.arg] = Mapping(tuple(entries), function.definition, function.file)


def _unbound(walk: Walk, function: Function, argument: ast.arg, mapping: Value | None, unbound: Unbound) -> Value:
    """The value of a parameter that no argument names."""
    default = function.default_values.get(argument.arg)
    if unbound == "setting":
        given = walk.given("options", argument.arg)
        return Setting(argument.arg, "argument", default, given, argument, function.file)
    if mapping is not None:
        found = value_of(walk, mapping, argument.arg)
        if found is not None:
            return found
        if default is None or not isinstance(mapping, Mapping):
            held = (mapping, ("item", argument.arg))
            return walk.once(held, lambda: Item(mapping, Constant(argument.arg), argument, function.file))
    if default is not None and unbound == "default":
        return default
    return Parameter(argument.arg, function, default, argument)
