"""Values that are decided outside of the code: parameters of functions that nobody calls, settings of the user."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.script.program.values import Value

if TYPE_CHECKING:
    from trainclinic.script.program.definitions import Function
    from trainclinic.script.sources.source import SourceFile


class Parameter(Value):
    """A parameter of a function that nobody in the files calls, or that is called from outside.

    Attributes:
        name: Its name.
        function: The function.
        default: Its default value, if it has one.
    """

    __slots__ = ("default", "function", "name")

    def __init__(self, name: str, function: Function, default: Value | None, node: ast.AST) -> None:
        super().__init__(node, function.file)
        self.name = name
        self.function = function
        self.default = default


class Setting(Value):
    """A value that the user of the program can change without editing it.

    Attributes:
        name: Option, environment variable, field or parameter.
        kind: `argument` of a command line, `environment` variable, `field` of a configuration class.
        default: What it is when nobody sets it; `None` when it must be given.
        given: Values that launch scripts beside the program give it.
    """

    __slots__ = ("default", "given", "kind", "name")

    def __init__(
        self,
        name: str,
        kind: str,
        default: Value | None,
        given: tuple[Value, ...] = (),
        node: ast.AST | None = None,
        file: SourceFile | None = None,
    ) -> None:
        super().__init__(node, file)
        self.name = name
        self.kind = kind
        self.default = default
        self.given = given

    def parts(self) -> Iterator[Value]:
        """Its default and given values."""
        if self.default is not None:
            yield self.default
        yield from self.given
