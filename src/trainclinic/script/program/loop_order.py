"""The order of events in one round of a loop: what excludes what, and the statements that hold them.

It compares tests by their text and places by the order of the walk. It does not know how often a condition holds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.script.alarm import Edit
from trainclinic.script.program.events import Event
from trainclinic.script.program.names import name_of
from trainclinic.script.program.values import Call, Choice, External, Value

_WITHOUT_GRADIENT = frozenset({"no_grad", "inference_mode"})
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def are_exclusive(one: Event, two: Event) -> bool:
    """Whether two events cannot both happen in one round, because a test must hold for one and fail for the other.

    Args:
        one: An event.
        two: Another one.
    """
    mine = _tests(one)
    return any((text, not truth) in mine for text, truth in _tests(two))


def _tests(event: Event) -> set[tuple[str, bool]]:
    """The tests around an event as text, with whether they must hold; `not x` that holds is `x` that fails."""
    found: set[tuple[str, bool]] = set()
    for one in event.conditions:
        node, truth = one.node, one.truth
        while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            node, truth = node.operand, not truth
        found.add((ast.unparse(node), truth))
    return found


def is_conditional(event: Event, inside: Event) -> bool:
    """Whether an event depends on a test that does not decide about another one as well.

    Args:
        event: The event.
        inside: The other one.
    """
    return not _tests(event) <= _tests(inside)


def is_without_gradient(event: Event) -> bool:
    """Whether an event stands in `torch.no_grad()` or `torch.inference_mode()`, decorators included.

    Args:
        event: The event.
    """
    return any(_switches_off(context) for context in event.contexts)


def _switches_off(context: Value) -> bool:
    if isinstance(context, Choice):
        return any(_switches_off(option.value) for option in context.options)
    made = context.function if isinstance(context, Call) else context
    return isinstance(made, External) and name_of(made).rpartition(".")[2] in _WITHOUT_GRADIENT


def move(event: Event, before: Event) -> tuple[Edit, ...]:
    """The edit that moves the statement of one event before that of another; nothing where their blocks differ.

    Args:
        event: What is moved.
        before: Before what.
    """
    one, two = _statement(event), _statement(before)
    if one is None or two is None or one[1] is not two[1] or one[0] is two[0] or event.file is not before.file:
        return ()
    return (Edit("move_before", event.file.place(one[0]), target=event.file.place(two[0])),)


def _statement(event: Event) -> tuple[ast.stmt, list[ast.stmt]] | None:
    """The innermost statement around an event, with its block."""
    tree = event.file.tree
    found: tuple[ast.stmt, list[ast.stmt]] | None = None
    blocks: list[list[ast.stmt]] = [tree.body] if tree is not None else []
    while blocks:
        block = blocks.pop()
        for statement in block:
            if any(node is event.node for node in ast.walk(statement)):
                found = (statement, block)
                blocks = [*_blocks(statement)]
                break
    return found


def _blocks(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in _BLOCKS:
        held = getattr(statement, name, None)
        if not isinstance(held, list) or not held:
            continue
        if isinstance(held[0], ast.stmt):
            yield held
        else:
            for each in held:
                yield from _blocks(each)
