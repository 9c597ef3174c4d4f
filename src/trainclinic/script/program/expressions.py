"""Expressions to values: one function per kind of syntax."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainclinic.script.program.access import attribute, element_of, item
from trainclinic.script.program.calls import call
from trainclinic.script.program.definitions import Function
from trainclinic.script.program.events import Condition, ReturnEvent
from trainclinic.script.program.scopes import Scope, either
from trainclinic.script.program.values import (
    Constant,
    Each,
    External,
    Items,
    Mapping,
    Operation,
    Span,
    Spread,
    Text,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.walk import Walk

SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.And: "and",
    ast.Or: "or",
    ast.Not: "not",
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Invert: "~",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


def evaluate(walk: Walk, node: ast.expr, scope: Scope) -> Value:
    """The value of an expression, in the state that the walk is in.

    Args:
        walk: The walk.
        node: The expression.
        scope: Names around it.
    """
    how = _KINDS.get(type(node))
    return how(walk, node, scope) if how is not None else Unknown(node, scope.file)


def _name(walk: Walk, node: ast.Name, scope: Scope) -> Value:
    found = scope.find(node.id)
    if found is not None:
        return found
    if walk.is_builtin(node.id):
        return External(f"builtins.{node.id}", node, scope.file)
    if scope.module.stars:
        return External(f"{scope.module.stars[-1]}.{node.id}", node, scope.file)
    return Unknown(node, scope.file)


def _constant(walk: Walk, node: ast.Constant, scope: Scope) -> Value:
    del walk
    return Constant(node.value, node, scope.file)


def _attribute(walk: Walk, node: ast.Attribute, scope: Scope) -> Value:
    return attribute(walk, evaluate(walk, node.value, scope), node.attr, node, scope.file)


def _subscript(walk: Walk, node: ast.Subscript, scope: Scope) -> Value:
    base = evaluate(walk, node.value, scope)
    return item(walk, base, evaluate(walk, node.slice, scope), node, scope.file)


def _slice(walk: Walk, node: ast.Slice, scope: Scope) -> Value:
    start, stop, step = (
        evaluate(walk, part, scope) if part is not None else None for part in (node.lower, node.upper, node.step)
    )
    return Span(start, stop, step, node, scope.file)


def _binary(walk: Walk, node: ast.BinOp, scope: Scope) -> Value:
    operands = (evaluate(walk, node.left, scope), evaluate(walk, node.right, scope))
    return Operation(SYMBOLS[type(node.op)], operands, node, scope.file)


def _unary(walk: Walk, node: ast.UnaryOp, scope: Scope) -> Value:
    operand = evaluate(walk, node.operand, scope)
    if isinstance(node.op, ast.USub) and isinstance(operand, Constant) and isinstance(operand.value, (int, float)):
        return Constant(-operand.value, node, scope.file)
    return Operation(SYMBOLS[type(node.op)], (operand,), node, scope.file)


def _boolean(walk: Walk, node: ast.BoolOp, scope: Scope) -> Value:
    operands = tuple(evaluate(walk, value, scope) for value in node.values)
    return Operation(SYMBOLS[type(node.op)], operands, node, scope.file)


def _compare(walk: Walk, node: ast.Compare, scope: Scope) -> Value:
    operands = [evaluate(walk, value, scope) for value in (node.left, *node.comparators)]
    tests = [
        Operation(SYMBOLS[type(symbol)], (one, two), node, scope.file)
        for symbol, one, two in zip(node.ops, operands, operands[1:], strict=False)
    ]
    return tests[0] if len(tests) == 1 else Operation("and", tuple(tests), node, scope.file)


def _ternary(walk: Walk, node: ast.IfExp, scope: Scope) -> Value:
    test = evaluate(walk, node.test, scope)
    known = walk.truth(test)
    if known is not None:
        return evaluate(walk, node.body if known else node.orelse, scope)
    yes, no = Condition(test, node.test, truth=True), Condition(test, node.test, truth=False)
    with walk.under(yes):
        one = evaluate(walk, node.body, scope)
    with walk.under(no):
        two = evaluate(walk, node.orelse, scope)
    return either(one, two, (yes, no), node, scope.file)


def _sequence(walk: Walk, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Value:
    kind = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}[type(node)]
    elements: list[Value] = []
    for element in node.elts:
        value = evaluate(walk, element, scope)
        if isinstance(value, Spread) and isinstance(value.value, Items) and not walk.appended(value.value):
            elements += value.value.elements
        else:
            elements.append(value)
    return Items(kind, tuple(elements), node, scope.file)


def _mapping(walk: Walk, node: ast.Dict, scope: Scope) -> Value:
    entries: list[tuple[Value | None, Value]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        held = evaluate(walk, value, scope)
        if key is None and isinstance(held, Mapping):
            entries += walk.entries(held)
        else:
            entries.append((evaluate(walk, key, scope) if key is not None else None, held))
    return Mapping(tuple(entries), node, scope.file)


def _comprehension(
    walk: Walk, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
) -> Value:
    inner = Scope(scope.file, scope)
    over: Value = Unknown(node, scope.file)
    loops = 0
    for number, generator in enumerate(node.generators):
        iterated = evaluate(walk, generator.iter, inner)
        over = iterated if number == 0 else over
        target = element_of(walk, iterated, generator.iter, scope.file)
        walk.assign(generator.target, target, inner, quiet=True)
        walk.enter_loop(generator, scope.file, iterated, target)
        loops += 1
        for test in generator.ifs:
            evaluate(walk, test, inner)
    if isinstance(node, ast.DictComp):
        pair = (evaluate(walk, node.key, inner), evaluate(walk, node.value, inner))
        element: Value = Items("tuple", pair, node, scope.file)
    else:
        element = evaluate(walk, node.elt, inner)
    for _ in range(loops):
        walk.leave_loop()
    kind = {ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dict"}.get(type(node), "generator")
    return Each(kind, element, over, node, scope.file)


def _call(walk: Walk, node: ast.Call, scope: Scope) -> Value:
    function = evaluate(walk, node.func, scope)
    args: list[Value] = []
    for argument in node.args:
        value = evaluate(walk, argument, scope)
        if isinstance(value, Spread) and isinstance(value.value, Items) and value.value.kind == "tuple":
            args += value.value.elements
        else:
            args.append(value)
    keywords: list[tuple[str | None, Value]] = []
    for keyword in node.keywords:
        value = evaluate(walk, keyword.value, scope)
        if keyword.arg is None and isinstance(value, Mapping):
            keywords += [
                (key.value if isinstance(key, Constant) and isinstance(key.value, str) else None, held)
                for key, held in walk.entries(value)
            ]
        else:
            keywords.append((keyword.arg, value))
    return call(walk, function, tuple(args), tuple(keywords), node, scope)


def _lambda(walk: Walk, node: ast.Lambda, scope: Scope) -> Value:
    return walk.define(Function(node, scope.file, scope), scope)


def _text(walk: Walk, node: ast.JoinedStr, scope: Scope) -> Value:
    pieces = tuple(
        evaluate(walk, piece.value if isinstance(piece, ast.FormattedValue) else piece, scope) for piece in node.values
    )
    return Text(pieces, node, scope.file)


def _starred(walk: Walk, node: ast.Starred, scope: Scope) -> Value:
    return Spread(evaluate(walk, node.value, scope), node, scope.file)


def _walrus(walk: Walk, node: ast.NamedExpr, scope: Scope) -> Value:
    value = evaluate(walk, node.value, scope)
    walk.assign(node.target, value, scope)
    return value


def _await(walk: Walk, node: ast.Await, scope: Scope) -> Value:
    return evaluate(walk, node.value, scope)


def _yield(walk: Walk, node: ast.Yield | ast.YieldFrom, scope: Scope) -> Value:
    value: Value = evaluate(walk, node.value, scope) if node.value is not None else Constant(None, node, scope.file)
    if isinstance(node, ast.YieldFrom):
        value = element_of(walk, value, node, scope.file)
    walk.emit(ReturnEvent, node, scope.file, value=value, yields=True)
    walk.frame.yields.append(value)
    return Unknown(node, scope.file)


_KINDS: dict[type[ast.AST], Callable[[Any, Any, Scope], Value]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _ternary,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _mapping,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.Call: _call,
    ast.Lambda: _lambda,
    ast.JoinedStr: _text,
    ast.Starred: _starred,
    ast.NamedExpr: _walrus,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
