"""What an expression can be: a graph of values, each knowing the code that made it and the values it was made of.

Two values are the same object when they are the same Python object here. Nothing is computed that has not been written
in the code as a literal; what cannot be known stays a node that says where it came from.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainclinic.script.places import Place
    from trainclinic.script.program.events import CallEvent, Condition
    from trainclinic.script.sources.source import SourceFile


class Value:
    """Something that an expression gives.

    Attributes:
        node: The code that made it; `None` for what the walk itself made up.
        file: The file of that code.
    """

    __slots__ = ("file", "node")

    is_named: ClassVar[bool] = False
    """Whether a call of it is known by its `name`: that of a library, an attribute, a function or a class."""

    def __init__(self, node: ast.AST | None = None, file: SourceFile | None = None) -> None:
        self.node = node
        self.file = file

    @property
    def place(self) -> Place | None:
        """Where its code stands."""
        return self.file.place(self.node) if self.file is not None and self.node is not None else None

    @property
    def code(self) -> str:
        """Its code in one line, shortened; empty where there is none."""
        if self.node is None:
            return ""
        text = " ".join(ast.unparse(self.node).split())
        return text if len(text) <= 60 else text[:57] + "..."

    def parts(self) -> Iterator[Value]:
        """The values that it was made of."""
        return iter(())


class Constant(Value):
    """A literal.

    Attributes:
        value: Text, number, flag, `None` or ellipsis.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any, node: ast.AST | None = None, file: SourceFile | None = None) -> None:
        super().__init__(node, file)
        self.value = value


class Unknown(Value):
    """Nothing can be said about it."""

    __slots__ = ()


class External(Value):
    """Something of a library or of a module that is not among the files: a module, a class, a function, a dtype.

    Attributes:
        name: Its full dotted name as imported: `torch.optim.AdamW`.
    """

    __slots__ = ("name",)

    is_named = True

    def __init__(self, name: str, node: ast.AST | None = None, file: SourceFile | None = None) -> None:
        super().__init__(node, file)
        self.name = name


class Option:
    """One of several values, with the conditions under which it is this one."""

    __slots__ = ("value", "when")

    def __init__(self, value: Value, when: tuple[Condition, ...]) -> None:
        self.value = value
        self.when = when


class Choice(Value):
    """One of several values, depending on conditions.

    Attributes:
        options: The values with their conditions.
    """

    __slots__ = ("options",)

    def __init__(
        self, options: tuple[Option, ...], node: ast.AST | None = None, file: SourceFile | None = None
    ) -> None:
        super().__init__(node, file)
        self.options = options

    def parts(self) -> Iterator[Value]:
        """All alternatives."""
        return (option.value for option in self.options)


class Attribute(Value):
    """An attribute of a value that is not known from its class.

    Attributes:
        base: The value.
        name: The attribute.
    """

    __slots__ = ("base", "name")

    is_named = True

    def __init__(self, base: Value, name: str, node: ast.AST | None = None, file: SourceFile | None = None) -> None:
        super().__init__(node, file)
        self.base = base
        self.name = name

    def parts(self) -> Iterator[Value]:
        """The base."""
        yield self.base


class Span(Value):
    """A slice, `start:stop:step`; a part that is left out is `None`."""

    __slots__ = ("start", "step", "stop")

    def __init__(
        self, start: Value | None, stop: Value | None, step: Value | None, node: ast.AST, file: SourceFile | None
    ) -> None:
        super().__init__(node, file)
        self.start = start
        self.stop = stop
        self.step = step

    def parts(self) -> Iterator[Value]:
        """Start, stop and step, as far as they are there."""
        return (part for part in (self.start, self.stop, self.step) if part is not None)


class Item(Value):
    """`base[index]`.

    Attributes:
        base: What is indexed.
        index: The index: a `Constant`, a `Span`, an `Items` of several, or any value.
    """

    __slots__ = ("base", "index")

    def __init__(self, base: Value, index: Value, node: ast.AST | None = None, file: SourceFile | None = None) -> None:
        super().__init__(node, file)
        self.base = base
        self.index = index

    def parts(self) -> Iterator[Value]:
        """Base and index."""
        yield self.base
        yield self.index


class Operation(Value):
    """An operator on values.

    Attributes:
        symbol: `+`, `-`, `*`, `==`, `and`, `not`, `in` ...
        operands: One, two or more values.
    """

    __slots__ = ("operands", "symbol")

    def __init__(self, symbol: str, operands: tuple[Value, ...], node: ast.AST, file: SourceFile | None) -> None:
        super().__init__(node, file)
        self.symbol = symbol
        self.operands = operands

    def parts(self) -> Iterator[Value]:
        """The operands."""
        return iter(self.operands)


class Text(Value):
    """An f-string: literals as `Constant`, everything else as it is."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: tuple[Value, ...], node: ast.AST, file: SourceFile | None) -> None:
        super().__init__(node, file)
        self.pieces = pieces

    def parts(self) -> Iterator[Value]:
        """The pieces in order."""
        return iter(self.pieces)


class Spread(Value):
    """`*value` inside a list, a tuple or a call."""

    __slots__ = ("value",)

    def __init__(self, value: Value, node: ast.AST | None = None, file: SourceFile | None = None) -> None:
        super().__init__(node, file)
        self.value = value

    def parts(self) -> Iterator[Value]:
        """What is spread."""
        yield self.value


class Items(Value):
    """A list, tuple or set that is written out.

    Attributes:
        kind: `list`, `tuple` or `set`.
        elements: Its elements; a `Spread` stands for unknown many.
    """

    __slots__ = ("elements", "kind")

    def __init__(
        self, kind: str, elements: tuple[Value, ...], node: ast.AST | None = None, file: SourceFile | None = None
    ) -> None:
        super().__init__(node, file)
        self.kind = kind
        self.elements = elements

    def parts(self) -> Iterator[Value]:
        """The elements."""
        return iter(self.elements)


class Mapping(Value):
    """A dictionary that is written out.

    Attributes:
        entries: Key and value in order; the key is `None` for `**value`.
    """

    __slots__ = ("entries",)

    def __init__(
        self,
        entries: tuple[tuple[Value | None, Value], ...],
        node: ast.AST | None = None,
        file: SourceFile | None = None,
    ) -> None:
        super().__init__(node, file)
        self.entries = entries

    def parts(self) -> Iterator[Value]:
        """Keys and values."""
        for key, value in self.entries:
            if key is not None:
                yield key
            yield value


class Element(Value):
    """One element of something that is iterated over.

    Attributes:
        of: What is iterated over.
    """

    __slots__ = ("of",)

    def __init__(self, of: Value, node: ast.AST | None = None, file: SourceFile | None = None) -> None:
        super().__init__(node, file)
        self.of = of

    def parts(self) -> Iterator[Value]:
        """What is iterated over."""
        yield self.of


class Each(Value):
    """A comprehension, a generator, or the results of a function for every row.

    Attributes:
        kind: `list`, `set`, `dict`, `generator` or `rows`.
        element: What is made of one item; a pair `Items` for a dictionary.
        over: What is iterated over.
    """

    __slots__ = ("element", "kind", "over")

    def __init__(
        self, kind: str, element: Value, over: Value, node: ast.AST | None = None, file: SourceFile | None = None
    ) -> None:
        super().__init__(node, file)
        self.kind = kind
        self.element = element
        self.over = over

    def parts(self) -> Iterator[Value]:
        """The element and what is iterated over."""
        yield self.element
        yield self.over


class Call(Value):
    """A call.

    Attributes:
        function: What is called.
        method: Last part of its name: `from_pretrained`, `AdamW`, `backward`.
        args: Positional arguments; a `Spread` for `*args`.
        keywords: Keyword arguments in order; the name is `None` for `**value`.
        event: When it happens.
        result: What the function of the files returns; `None` for calls that were not followed.
        callbacks: What functions of the files that were handed over return, by argument (`"0"`, `"data_collator"`).
    """

    __slots__ = ("args", "callbacks", "event", "function", "keywords", "method", "result")

    event: CallEvent

    def __init__(
        self,
        function: Value,
        args: tuple[Value, ...],
        keywords: tuple[tuple[str | None, Value], ...],
        node: ast.AST,
        file: SourceFile | None,
    ) -> None:
        super().__init__(node, file)
        self.function = function
        self.args = args
        self.keywords = keywords
        self.method = _last_name(function)
        self.result: Value | None = None
        self.callbacks: dict[str, Value] = {}

    def parts(self) -> Iterator[Value]:
        """The receiver or function, then the arguments."""
        yield self.function
        yield from self.args
        for _, value in self.keywords:
            yield value

    @property
    def receiver(self) -> Value | None:
        """The object whose method is called."""
        function = self.function
        if isinstance(function, Attribute):
            return function.base
        bound: Value | None = getattr(function, "receiver", None) if function.is_named else None
        return bound


def _last_name(function: Value) -> str:
    return str(getattr(function, "name", "")).rpartition(".")[2] if function.is_named else ""
