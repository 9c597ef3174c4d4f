"""What happens in a program, in order: calls, stores, returns, with the loops, conditions and contexts around them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from trainclinic.script.places import Place
    from trainclinic.script.program.definitions import Function
    from trainclinic.script.program.values import Call, Value
    from trainclinic.script.sources.source import SourceFile


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A test that decides whether something happens.

    Attributes:
        test: What is tested.
        node: Its code.
        truth: Whether it must hold or fail.
    """

    test: Value
    node: ast.AST
    truth: bool

    def __str__(self) -> str:
        """The test as code, negated where it must fail."""
        text = " ".join(ast.unparse(self.node).split())
        if self.truth:
            return text
        node = self.node
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return " ".join(ast.unparse(node.operand).split())
        if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
            return f"not {text}"
        return f"not ({text})"


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """A loop around an event.

    Attributes:
        node: The `for` or `while` statement, or a comprehension.
        file: Its file.
        over: What a `for` iterates over, what a `while` tests.
        target: The value of the loop variable; `None` for `while`.
        activation: The function that holds it, as it was walked.
    """

    node: ast.AST
    file: SourceFile
    over: Value
    target: Value | None
    activation: Activation

    @property
    def place(self) -> Place:
        """Where it stands."""
        node = self.node.target if isinstance(self.node, ast.comprehension) else self.node
        return self.file.place(node)


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """One walk through a function, or through the top level of a module.

    Attributes:
        function: The function; `None` for a module.
        file: Its file.
        caller: The walk that called it; `None` for a module and for functions that nobody calls.
        call: The call that began it.
        loops: Loops around that call, in its callers.
        depth: Number of callers.
    """

    function: Function | None
    file: SourceFile
    caller: Activation | None = None
    call: Call | None = None
    loops: tuple[Loop, ...] = ()
    depth: int = 0

    @property
    def name(self) -> str:
        """Name of the function, or `<module>`."""
        return self.function.name if self.function is not None else "<module>"


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """Something that happens.

    Attributes:
        order: Counts all events of a program.
        node: Its code.
        file: The file of that code.
        activation: The walk in which it happens.
        loops: Loops around it, the outermost first, those of the callers included.
        conditions: Tests around it, the outermost first, those of the callers included.
        contexts: What the `with` statements around it were given, decorators of the functions included.
    """

    order: int
    node: ast.AST
    file: SourceFile
    activation: Activation
    loops: tuple[Loop, ...]
    conditions: tuple[Condition, ...]
    contexts: tuple[Value, ...]

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.file.place(self.node)


@dataclass(frozen=True, slots=True, eq=False)
class CallEvent(Event):
    """A call."""

    call: Call


@dataclass(frozen=True, slots=True, eq=False)
class StoreEvent(Event):
    """A value gets a name, an attribute or an item.

    Attributes:
        kind: `name`, `attribute` or `item`.
        base: Whose attribute or item; `None` for a name.
        key: The name or attribute, or the index of an item.
        value: What is stored; for `x += y` the `Operation` of both.
        before: What was there, for `x += y`.
        symbol: `+` for `x += y`; empty for a plain store.
    """

    kind: Literal["name", "attribute", "item"]
    base: Value | None
    key: str | Value
    value: Value
    before: Value | None = None
    symbol: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ReturnEvent(Event):
    """A function returns or yields.

    Attributes:
        value: What.
        yields: Whether it is a `yield`.
    """

    value: Value
    yields: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class HandlerEvent(Event):
    """An exception handler is entered.

    Attributes:
        body: The guarded statements.
    """

    body: tuple[ast.stmt, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BreakEvent(Event):
    """A loop is left by `break`."""
