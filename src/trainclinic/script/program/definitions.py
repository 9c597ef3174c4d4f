"""What the files define: functions, classes, objects of those classes, modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainclinic.script.program.values import Call, External, Value

if TYPE_CHECKING:
    from trainclinic.script.program.scopes import Scope
    from trainclinic.script.sources.source import SourceFile


class Function(Value):
    """A function or lambda of the files.

    Attributes:
        definition: Its syntax.
        scope: Where it was defined: what its free names mean.
        owner: The class whose method it is.
        receiver: What it is bound to.
    """

    __slots__ = ("_shared", "definition", "owner", "receiver", "scope")

    is_named = True

    def __init__(
        self,
        definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        file: SourceFile,
        scope: Scope,
        owner: Class | None = None,
        receiver: Value | None = None,
        shared: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(definition, file)
        self.definition = definition
        self.scope = scope
        self.owner = owner
        self.receiver = receiver
        self._shared: dict[str, Any] = shared if shared is not None else {"calls": 0, "decorators": (), "defaults": {}}

    def bound_to(self, receiver: Value) -> Function:
        """The same function as a method of `receiver`."""
        assert self.file is not None
        return Function(self.definition, self.file, self.scope, self.owner, receiver, self._shared)

    @property
    def name(self) -> str:
        """Its name; `<lambda>` for a lambda."""
        return "<lambda>" if isinstance(self.definition, ast.Lambda) else self.definition.name

    @property
    def calls(self) -> int:
        """How often it has been walked."""
        return int(self._shared["calls"])

    def count_call(self) -> None:
        """Remember that it is walked once more."""
        self._shared["calls"] += 1

    @property
    def decorators(self) -> tuple[Value, ...]:
        """Values of its decorators."""
        decorators: tuple[Value, ...] = self._shared["decorators"]
        return decorators

    @property
    def default_values(self) -> dict[str, Value]:
        """Values of its defaults by parameter."""
        defaults: dict[str, Value] = self._shared["defaults"]
        return defaults

    def define(self, decorators: tuple[Value, ...], defaults: dict[str, Value]) -> None:
        """Set what is evaluated where it is defined."""
        self._shared["decorators"] = decorators
        self._shared["defaults"] = defaults


class Class(Value):
    """A class of the files.

    Attributes:
        definition: Its syntax.
        bases: Values of its bases.
        names: What its body defines.
        decorators: Values of its decorators.
    """

    __slots__ = ("bases", "decorators", "definition", "names")

    is_named = True

    def __init__(
        self,
        definition: ast.ClassDef,
        file: SourceFile,
        bases: tuple[Value, ...],
        decorators: tuple[Value, ...] = (),
    ) -> None:
        super().__init__(definition, file)
        self.definition = definition
        self.bases = bases
        self.decorators = decorators
        self.names: dict[str, Value] = {}

    @property
    def name(self) -> str:
        """Its name."""
        return self.definition.name

    def lineage(self) -> Iterator[Class | External]:
        """The class, then its bases depth first, libraries' classes included."""
        seen: set[int] = set()
        queue: list[Value] = [self]
        while queue:
            one = queue.pop(0)
            if id(one) in seen or not isinstance(one, (Class, External)):
                continue
            seen.add(id(one))
            yield one
            if isinstance(one, Class):
                queue = [*one.bases, *queue]

    def find(self, name: str) -> Value | None:
        """An attribute of the class or of its bases in the files."""
        for one in self.lineage():
            if isinstance(one, Class) and name in one.names:
                return one.names[name]
        return None


class Instance(Value):
    """An object of a class of the files.

    Attributes:
        cls: The class.
        call: The call that made it; `None` for one that the walk made up to look into a class.
    """

    __slots__ = ("call", "cls")

    def __init__(self, cls: Class, call: Call | None, node: ast.AST | None, file: SourceFile | None) -> None:
        super().__init__(node, file)
        self.cls = cls
        self.call = call


class Super(Value):
    """`super()` inside a method.

    Attributes:
        instance: The object.
        after: The class whose bases are meant.
    """

    __slots__ = ("after", "instance")

    def __init__(self, instance: Value, after: Class, node: ast.AST, file: SourceFile | None) -> None:
        super().__init__(node, file)
        self.instance = instance
        self.after = after


class Module(Value):
    """A module of the files.

    Attributes:
        scope: Its names.
        name: Dotted name under which it was imported.
    """

    __slots__ = ("name", "scope")

    def __init__(self, name: str, scope: Scope) -> None:
        super().__init__(None, scope.file)
        self.name = name
        self.scope = scope
