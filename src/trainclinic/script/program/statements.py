"""Statements: one function per kind of syntax; each tells whether the way through the block ends with it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from trainclinic.script.program.access import attribute, element_of, item
from trainclinic.script.program.definitions import Class, Function
from trainclinic.script.program.events import BreakEvent, Condition, HandlerEvent, ReturnEvent, StoreEvent
from trainclinic.script.program.expressions import SYMBOLS, evaluate
from trainclinic.script.program.scopes import Scope
from trainclinic.script.program.values import Constant, External, Items, Operation, Spread, Unknown, Value

if TYPE_CHECKING:
    from trainclinic.script.program.walk import Walk


def execute(walk: Walk, body: list[ast.stmt], scope: Scope) -> bool:
    """Walk through a block.

    Args:
        walk: The walk.
        body: Its statements.
        scope: Names around it.

    Returns:
        Whether the way ends inside it: by `return`, `raise`, `continue` or `break`.
    """
    pushed = 0
    ended = False
    for statement in body:
        if not walk.has_time():
            break
        how = _KINDS.get(type(statement))
        outcome = how(walk, statement, scope) if how is not None else False
        if isinstance(outcome, Condition):  # what follows in this block happens only where the branch did not end
            walk.conditions = (*walk.conditions, outcome)
            pushed += 1
        elif outcome:
            ended = True
            break
    if pushed:
        walk.conditions = walk.conditions[:-pushed]
    return ended


def assign(walk: Walk, target: ast.expr, value: Value, scope: Scope, *, quiet: bool = False) -> None:
    """Store a value under a target.

    Args:
        walk: The walk.
        target: A name, attribute, item, or a tuple of them.
        value: The value.
        scope: Names around it.
        quiet: Whether no event is made of it, as for loop variables.
    """
    if isinstance(target, ast.Name):
        walk.memory.write(scope.table_of(target.id), target.id, value)
        if not quiet:
            walk.emit(StoreEvent, target, scope.file, kind="name", base=None, key=target.id, value=value)
    elif isinstance(target, ast.Attribute):
        walk.store_attribute(evaluate(walk, target.value, scope), target.attr, value, target, scope.file)
    elif isinstance(target, ast.Subscript):
        base = evaluate(walk, target.value, scope)
        walk.store_item(base, evaluate(walk, target.slice, scope), value, target, scope.file)
    elif isinstance(target, ast.Starred):
        assign(walk, target.value, Unknown(target, scope.file), scope, quiet=quiet)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for part, held in zip(target.elts, _unpacked(walk, target, value, scope), strict=True):
            assign(walk, part, held, scope, quiet=quiet)


def _unpacked(walk: Walk, target: ast.Tuple | ast.List, value: Value, scope: Scope) -> list[Value]:
    """One value for each part of a tuple that is assigned to."""
    count = len(target.elts)
    starred = any(isinstance(part, ast.Starred) for part in target.elts)
    written = isinstance(value, Items) and not any(isinstance(e, Spread) for e in value.elements)
    if isinstance(value, Items) and written and not starred and len(value.elements) == count:
        return list(value.elements)
    return [
        item(walk, value, Constant(at, target, scope.file), part, scope.file) for at, part in enumerate(target.elts)
    ]


def _assign(walk: Walk, node: ast.Assign, scope: Scope) -> bool:
    value = evaluate(walk, node.value, scope)
    for target in node.targets:
        assign(walk, target, value, scope)
    return False


def _annotated(walk: Walk, node: ast.AnnAssign, scope: Scope) -> bool:
    if node.value is not None:
        assign(walk, node.target, evaluate(walk, node.value, scope), scope)
    return False


def _augmented(walk: Walk, node: ast.AugAssign, scope: Scope) -> bool:
    """`x += y`, with what was there before."""
    target, symbol = node.target, SYMBOLS[type(node.op)]
    value = evaluate(walk, node.value, scope)
    if isinstance(target, ast.Name):
        before = scope.find(target.id) or Unknown(target, scope.file)
        after = Operation(symbol, (before, value), node, scope.file)
        walk.memory.write(scope.table_of(target.id), target.id, after)
        made: dict[str, Any] = {"kind": "name", "base": None, "key": target.id}
    elif isinstance(target, ast.Attribute):
        base = evaluate(walk, target.value, scope)
        before = attribute(walk, base, target.attr, target, scope.file)
        after = Operation(symbol, (before, value), node, scope.file)
        walk.memory.write(walk.memory.held, (base, f".{target.attr}"), after)
        made = {"kind": "attribute", "base": base, "key": target.attr}
    else:
        base = evaluate(walk, target.value, scope)
        index = evaluate(walk, target.slice, scope)
        before = item(walk, base, index, target, scope.file)
        after = Operation(symbol, (before, value), node, scope.file)
        walk.hold_item(base, index, after)
        made = {"kind": "item", "base": base, "key": index}
    walk.emit(StoreEvent, node, scope.file, value=after, before=before, symbol=symbol, **made)
    return False


def _expression(walk: Walk, node: ast.Expr, scope: Scope) -> bool:
    evaluate(walk, node.value, scope)
    return False


def _return(walk: Walk, node: ast.Return, scope: Scope) -> bool:
    value = evaluate(walk, node.value, scope) if node.value is not None else Constant(None, node, scope.file)
    walk.emit(ReturnEvent, node, scope.file, value=value)
    walk.frame.returned(value, walk.conditions)
    return True


def _end(walk: Walk, node: ast.stmt, scope: Scope) -> bool:
    if isinstance(node, ast.Raise) and node.exc is not None:
        evaluate(walk, node.exc, scope)
    if isinstance(node, ast.Break):
        walk.emit(BreakEvent, node, scope.file)
    return True


def _if(walk: Walk, node: ast.If, scope: Scope) -> bool | Condition:
    test = evaluate(walk, node.test, scope)
    known = walk.truth(test)
    if _is_main_guard(node.test) and scope.file.asked:  # what the user points at is the program
        known = True
    if known is not None:
        return execute(walk, node.body if known else node.orelse, scope)
    yes, no = Condition(test, node.test, truth=True), Condition(test, node.test, truth=False)

    def way(condition: Condition, body: list[ast.stmt]) -> bool:
        with walk.under(condition):
            return execute(walk, body, scope)

    ended = walk.memory.branch(
        (partial(way, yes, node.body), partial(way, no, node.orelse)), (yes, no), node, scope.file
    )
    if all(ended):
        return True
    return no if ended[0] else yes if ended[1] else False


def _is_main_guard(test: ast.expr) -> bool:
    """Whether a test is `__name__ == "__main__"`."""
    if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.Name) or not isinstance(test.ops[0], ast.Eq):
        return False
    return test.left.id == "__name__"


def _for(walk: Walk, node: ast.For | ast.AsyncFor, scope: Scope) -> bool:
    over = evaluate(walk, node.iter, scope)
    target = element_of(walk, over, node.iter, scope.file)
    walk.enter_loop(node, scope.file, over, target)
    assign(walk, node.target, target, scope, quiet=True)
    execute(walk, node.body, scope)
    walk.leave_loop()
    return execute(walk, node.orelse, scope)


def _while(walk: Walk, node: ast.While, scope: Scope) -> bool:
    test = evaluate(walk, node.test, scope)
    walk.enter_loop(node, scope.file, test, None)
    execute(walk, node.body, scope)
    walk.leave_loop()
    return execute(walk, node.orelse, scope)


def _with(walk: Walk, node: ast.With | ast.AsyncWith, scope: Scope) -> bool:
    before = walk.contexts
    for part in node.items:
        value = evaluate(walk, part.context_expr, scope)
        walk.contexts = (*walk.contexts, value)
        if part.optional_vars is not None:
            assign(walk, part.optional_vars, value, scope, quiet=True)
    ended = execute(walk, node.body, scope)
    walk.contexts = before
    return ended


def _try(walk: Walk, node: ast.Try, scope: Scope) -> bool:
    ended = execute(walk, node.body, scope)
    for handler in node.handlers:
        raised = Unknown(handler, scope.file)
        condition = Condition(raised, ast.Name(id="an exception is raised"), truth=True)
        calm = Condition(raised, ast.Name(id="no exception is raised"), truth=True)

        def way(handler: ast.ExceptHandler = handler, condition: Condition = condition) -> bool:
            with walk.under(condition):
                if handler.type is not None:
                    evaluate(walk, handler.type, scope)
                walk.emit(HandlerEvent, handler, scope.file, body=tuple(node.body))
                return execute(walk, handler.body, scope)

        walk.memory.branch((way, lambda: False), (condition, calm), handler, scope.file)
    if not ended:
        ended = execute(walk, node.orelse, scope)
    return execute(walk, node.finalbody, scope) or ended


def _match(walk: Walk, node: ast.Match, scope: Scope) -> bool:
    subject = evaluate(walk, node.subject, scope)
    for case in node.cases:
        condition = Condition(
            subject, ast.Name(id=f"{ast.unparse(node.subject)} is {ast.unparse(case.pattern)}"), truth=True
        )
        other = Condition(subject, ast.Name(id="another case"), truth=True)

        def way(case: ast.match_case = case, condition: Condition = condition) -> bool:
            with walk.under(condition):
                return execute(walk, case.body, scope)

        walk.memory.branch((way, lambda: False), (condition, other), node, scope.file)
    return False


def _function(walk: Walk, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> bool:
    seen = scope.outer if scope.is_class and scope.outer is not None else scope
    made = walk.define(Function(node, scope.file, seen, walk.frame.owner if scope.is_class else None), scope)
    walk.memory.write(scope.table_of(node.name), node.name, made)
    return False


def _class(walk: Walk, node: ast.ClassDef, scope: Scope) -> bool:
    bases = tuple(evaluate(walk, base, scope) for base in node.bases)
    decorators = tuple(evaluate(walk, one, scope) for one in node.decorator_list)
    made = Class(node, scope.file, bases, decorators)
    walk.classes.append(made)
    inner = Scope(scope.file, scope, is_class=True)
    before, walk.frame.owner = walk.frame.owner, made
    execute(walk, node.body, inner)
    walk.frame.owner = before
    made.names = dict(inner.names)
    walk.memory.write(scope.table_of(node.name), node.name, made)
    return False


def _import(walk: Walk, node: ast.Import, scope: Scope) -> bool:
    for alias in node.names:
        whole = walk.import_module(alias.name, scope.file, 0)
        if alias.asname is not None:
            value: Value = whole or External(alias.name, node, scope.file)
            name = alias.asname
        else:
            name = alias.name.partition(".")[0]
            value = walk.import_module(name, scope.file, 0) or External(name, node, scope.file)
        walk.memory.write(scope.table_of(name), name, value)
    return False


def _import_from(walk: Walk, node: ast.ImportFrom, scope: Scope) -> bool:
    dotted = node.module or ""
    module = walk.import_module(dotted, scope.file, node.level)
    for alias in node.names:
        if alias.name == "*":
            if module is not None:
                for name, value in module.scope.names.items():
                    walk.memory.write(scope.table_of(name), name, value)
            else:
                scope.module.stars.append(dotted)
            continue
        found = module.scope.names.get(alias.name) if module is not None else None
        if found is None:
            inner = f"{dotted}.{alias.name}" if dotted else alias.name
            found = walk.import_module(inner, scope.file, node.level) or External(inner, node, scope.file)
        walk.memory.write(scope.table_of(alias.asname or alias.name), alias.asname or alias.name, found)
    return False


def _declare(walk: Walk, node: ast.Global | ast.Nonlocal, scope: Scope) -> bool:
    del walk
    for name in node.names:
        scope.declare(name, is_global=isinstance(node, ast.Global))
    return False


def _assert(walk: Walk, node: ast.Assert, scope: Scope) -> bool:
    evaluate(walk, node.test, scope)
    return False


def _delete(walk: Walk, node: ast.Delete, scope: Scope) -> bool:
    for target in node.targets:
        if isinstance(target, (ast.Attribute, ast.Subscript)):
            evaluate(walk, target.value, scope)
    return False


_KINDS: dict[type[ast.AST], Callable[[Any, Any, Scope], Any]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _expression,
    ast.Return: _return,
    ast.Raise: _end,
    ast.Continue: _end,
    ast.Break: _end,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.Match: _match,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Global: _declare,
    ast.Nonlocal: _declare,
    ast.Assert: _assert,
    ast.Delete: _delete,
}
if hasattr(ast, "TryStar"):
    _KINDS[ast.TryStar] = _try
