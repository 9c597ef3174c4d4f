"""Edits of the arguments of a call and of the parameters of a `def`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainclinic.script.alarm import Edit
from trainclinic.script.mending.comma_list import CommaList
from trainclinic.script.mending.expressions import bracketed
from trainclinic.script.mending.lines import parsed
from trainclinic.script.mending.patch import Change, Patch, Refused, Span, change
from trainclinic.script.mending.tree import Tree

if TYPE_CHECKING:
    import libcst


def set_argument(tree: Tree, edit: Edit, span: Span) -> Change:
    """Give a keyword argument a value, whether the call has it already or not.

    Raises:
        Refused: If no call stands there, or it could get the argument twice.
    """
    call = _call(tree, span)
    code = bracketed(f"f({edit.name}=", edit.code, ")")
    held = _keyword(call, edit.name)
    if held is not None:
        return change([Patch(tree.full_span(held.value), code)])
    if any(argument.star == "**" for argument in call.args):
        message = f"the call passes `**` arguments, among which `{edit.name}` could be"
        raise Refused(message)
    return change(_list_of(tree, call).added(f"{edit.name}={code}"))


def remove_argument(tree: Tree, edit: Edit, span: Span) -> Change:
    """Take a keyword argument out of a call.

    Raises:
        Refused: If no call with this argument stands there.
    """
    call = _call(tree, span)
    held = _existing(call, edit.name)
    return change(_list_of(tree, call).removed(list(call.args).index(held)))


def rename_argument(tree: Tree, edit: Edit, span: Span) -> Change:
    """Pass the value of a keyword argument under another name.

    Raises:
        Refused: If no call with this argument stands there, or it has the new name already.
    """
    call = _call(tree, span)
    held = _existing(call, edit.name)
    if _keyword(call, edit.new_name) is not None:
        message = f"the call has `{edit.new_name}` already"
        raise Refused(message)
    if held.keyword is None or not edit.new_name.isidentifier():
        message = f"`{edit.new_name}` is no name"
        raise Refused(message)
    return change([Patch(tree.span(held.keyword), edit.new_name)])


def add_parameter(tree: Tree, edit: Edit, span: Span) -> Change:
    """Let a function take another parameter: the last one, but before `**kwargs`.

    Raises:
        Refused: If no `def` stands there, or the parameter cannot stand in it.
    """
    import libcst

    function = next((node for node in tree.at(span) if isinstance(node, libcst.FunctionDef)), None)
    if function is None:
        message = "no `def` stands there"
        raise Refused(message)
    added = _parameter(edit.code)
    held = function.params
    _refuse_parameter(added, held, edit.code)
    every = _parameters(held)
    before = every.index(held.star_kwarg) if held.star_kwarg is not None else None
    spans = [_parameter_span(tree, one) for one in every]
    opening = tree.text.index("(", tree.span(function.type_parameters or function.name).end) + 1
    return change(CommaList(tree.lines, opening, spans).added(edit.code, before))


def _call(tree: Tree, span: Span) -> libcst.Call:
    import libcst

    for node in tree.at(span):
        if isinstance(node, libcst.Call) and not tree.is_in_string(node):
            return node
    message = "no call stands there that can be changed"
    raise Refused(message)


def _keyword(call: libcst.Call, name: str) -> libcst.Arg | None:
    return next((one for one in call.args if one.keyword is not None and one.keyword.value == name), None)


def _existing(call: libcst.Call, name: str) -> libcst.Arg:
    held = _keyword(call, name)
    if held is None:
        message = f"the call has no argument `{name}`"
        raise Refused(message)
    return held


def _list_of(tree: Tree, call: libcst.Call) -> CommaList:
    import libcst

    if any(isinstance(one.value, libcst.GeneratorExp) and not one.value.lpar for one in call.args):
        message = "the only argument is a generator without brackets of its own"
        raise Refused(message)
    opening = tree.text.index("(", tree.full_span(call.func).end) + 1
    return CommaList(tree.lines, opening, [tree.span(one) for one in call.args])


def _parameter(code: str) -> ast.arguments:
    """The parameter that code describes, as the only one of a function."""
    function = parsed(f"def f({code}): pass").body[0]
    if not isinstance(function, ast.FunctionDef):
        message = f"`{code}` is no parameter"
        raise Refused(message)
    return function.args


def _refuse_parameter(added: ast.arguments, held: libcst.Parameters, code: str) -> None:
    import libcst

    names = {one.arg for one in ast.walk(added) if isinstance(one, ast.arg)}
    for one in _parameters(held):
        if isinstance(one, libcst.Param) and one.name.value in names:
            message = f"the function has a parameter `{one.name.value}` already"
            raise Refused(message)
    has_star = isinstance(held.star_arg, (libcst.Param, libcst.ParamStar))
    if (added.kwarg and held.star_kwarg) or (added.vararg and has_star):
        message = f"the function has such a parameter as `{code}` already"
        raise Refused(message)
    needs_value = added.args and not added.defaults and not has_star
    if needs_value and any(one.default is not None for one in (*held.posonly_params, *held.params)):
        message = f"`{code}` has no default, and would stand after parameters that have one"
        raise Refused(message)


def _parameters(held: libcst.Parameters) -> list[libcst.CSTNode]:
    """Everything that stands between commas, in order."""
    import libcst

    found: list[libcst.CSTNode] = list(held.posonly_params)
    if isinstance(held.posonly_ind, libcst.ParamSlash):
        found.append(held.posonly_ind)
    found += held.params
    if isinstance(held.star_arg, (libcst.Param, libcst.ParamStar)):
        found.append(held.star_arg)
    found += held.kwonly_params
    return [*found, held.star_kwarg] if held.star_kwarg is not None else found


def _parameter_span(tree: Tree, one: libcst.CSTNode) -> Span:
    """Characters of a parameter with its annotation and its default."""
    import libcst

    span = tree.span(one)
    if not isinstance(one, libcst.Param):
        return Span(span.start, span.start + 1)  # `*` and `/`: the tree counts their comma in
    last = one.default or (one.annotation.annotation if one.annotation is not None else None)
    return span if last is None else Span(span.start, tree.full_span(last).end)
