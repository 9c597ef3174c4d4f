"""Edits of an expression: put other code in its place, or something around it."""

from __future__ import annotations

import ast
import re

from trainclinic.script.alarm import Edit
from trainclinic.script.mending.lines import indented, parsed
from trainclinic.script.mending.patch import Change, Patch, Refused, Span, change
from trainclinic.script.mending.tree import Tree

HOLE = "trainclinic_hole"
"""A name that stands for code which is not there yet."""


def replace(tree: Tree, edit: Edit, span: Span) -> Change:
    """Other code in the place of a node; an expression gets brackets where it needs them.

    Raises:
        Refused: If nothing stands at the span, or the code cannot stand there.
    """
    _refuse_strings(tree, span)
    if _expression(edit.code) is None:
        return change([Patch(span, _statement(tree, edit.code, span))])
    head, tail = tree.text[: span.start], tree.text[span.end :]
    return change([Patch(span, bracketed(head, edit.code, tail))])


def wrap(tree: Tree, edit: Edit, span: Span) -> Change:
    """Code around an expression, which stays as it is written.

    Raises:
        Refused: If nothing stands at the span, or the code has no single `{}` or is no expression.
    """
    _refuse_strings(tree, span)
    head, hole, tail = edit.code.partition("{}")
    if not hole or "{}" in tail or _expression(head + HOLE + tail) is None:
        message = f"`{edit.code}` is no expression with one place for the old code"
        raise Refused(message)
    old = tree.text[span.start : span.end]
    inner = bracketed(f"({head}", old, f"{tail})")
    outer = bracketed(tree.text[: span.start], head + inner + tail, tree.text[span.end :])
    before, after = outer.split(old, 1) if outer.count(old) == 1 else _around(outer, head + inner, old)
    return change([Patch(Span(span.start, span.start), before), Patch(Span(span.end, span.end), after)], around=span)


def _around(outer: str, until: str, old: str) -> tuple[str, str]:
    """What stands before and after the old code, where the new code repeats it."""
    at = outer.index(until) + until.rindex(old)
    return outer[:at], outer[at + len(old) :]


def bracketed(head: str, code: str, tail: str) -> str:
    """An expression as it has to be written between two texts to stay one operand.

    Args:
        head: What stands before it.
        code: The expression.
        tail: What stands after it.

    Raises:
        Refused: If no expression can stand there.
    """
    frame = parsed(head + HOLE + tail)
    filler = _Filler(code)
    wanted = _shape(filler.visit(frame))
    if not filler.filled:
        return code
    for text in (code, f"({code})"):
        if _reads_as(wanted, head + text + tail):
            return text
    message = f"`{code}` cannot stand there"
    raise Refused(message)


def _reads_as(wanted: str, text: str) -> bool:
    try:
        return _shape(parsed(text)) == wanted
    except Refused:
        return False


class _Filler(ast.NodeTransformer):
    """Puts an expression in the place of the hole."""

    def __init__(self, code: str) -> None:
        expression = _expression(code)
        if expression is None:
            message = f"`{code}` is no expression"
            raise Refused(message)
        self._expression = expression
        self.filled = False

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id != HOLE:
            return node
        self.filled = True
        return self._expression


def _expression(code: str) -> ast.expr | None:
    """The expression that code is; `None` where it is something else."""
    try:
        found = parsed(f"(\n{code}\n)").body
    except Refused:
        return None
    only = found[0] if len(found) == 1 else None
    return only.value if isinstance(only, ast.Expr) else None


def _shape(tree: ast.AST) -> str:
    """What a tree says, whether its names are read or assigned."""
    return re.sub(r"ctx=(?:Load|Store|Del)\(\)", "ctx", ast.dump(tree))


def _statement(tree: Tree, code: str, span: Span) -> str:
    """Code that is no expression, as it is written at a span: a statement, or a part like an imported name."""
    statement = tree.statement(span)
    if statement.span != span:
        return code
    indent = tree.lines.indent(span.start)
    written = indented(code, indent, tree.lines.newline)
    if not statement.has_line and len(written.splitlines()) > 1:
        message = "other statements stand in the same line"
        raise Refused(message)
    return written[len(indent) :]


def _refuse_strings(tree: Tree, span: Span) -> None:
    if any(tree.is_in_string(node) for node in tree.at(span)):
        message = "it stands inside an f-string"
        raise Refused(message)
