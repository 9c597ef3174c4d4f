"""Names, attributes and items, and what they mean while the walk goes on: branches are undone, then joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainclinic.script.program.values import Choice, Option, Value

if TYPE_CHECKING:
    import ast

    from trainclinic.script.program.events import Condition
    from trainclinic.script.sources.source import SourceFile

Table = dict[Any, Value]
Changes = dict[tuple[int, Any], tuple[Table, Any, Value | None]]
"""What was written where, by `(id of the table, key)`."""
MOST_OPTIONS = 12
"""Alternatives that a value keeps: more of them tell nothing that the first ones do not."""


class Scope:
    """The names of a module or of one walk through a function.

    Attributes:
        file: The file.
        names: What each name means now.
        outer: The scope around it; `None` for a module.
        module: The scope of the module.
        elsewhere: Names that are declared `global` or `nonlocal`, with the scope that holds them.
        stars: Modules of libraries of which everything was imported.
        is_class: Whether it is the body of a class, whose names its methods do not see.
    """

    __slots__ = ("elsewhere", "file", "is_class", "module", "names", "outer", "stars")

    def __init__(self, file: SourceFile, outer: Scope | None = None, *, is_class: bool = False) -> None:
        self.file = file
        self.is_class = is_class
        self.names: Table = {}
        self.outer = outer
        self.module: Scope = outer.module if outer is not None else self
        self.elsewhere: dict[str, Scope] = {}
        self.stars: list[str] = []

    def find(self, name: str) -> Value | None:
        """What a name means here."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.elsewhere:
                return scope.elsewhere[name].names.get(name)
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None

    def table_of(self, name: str) -> Table:
        """Where a name that is assigned here is kept."""
        return self.elsewhere.get(name, self).names

    def declare(self, name: str, *, is_global: bool) -> None:
        """`global name` or `nonlocal name`."""
        holder = self.module if is_global else self.outer
        while not is_global and holder is not None and name not in holder.names and holder.outer is not None:
            holder = holder.outer
        if holder is not None:
            self.elsewhere[name] = holder


class Memory:
    """Every table of names, attributes and items; remembers what was written since a branch began."""

    def __init__(self) -> None:
        self._before: list[Changes] = []
        self.held: Table = {}
        """Attributes (`".name"`), items (constants) and additions (`"#appended"`) by `(id of the value, key)`."""

    def write(self, table: Table, key: Any, value: Value) -> None:
        """Put a value into a table."""
        if self._before:
            self._before[-1].setdefault((id(table), key), (table, key, table.get(key)))
        table[key] = value

    def branch(
        self,
        ways: tuple[Callable[[], bool], Callable[[], bool]],
        tests: tuple[Condition, Condition],
        node: ast.AST,
        file: SourceFile,
    ) -> tuple[bool, bool]:
        """Walk two ways from the same state, and join what they leave.

        Args:
            ways: Each walks one way and tells whether it ends (returns, raises, leaves the loop).
            tests: The condition of each way.
            node: The statement that branches.
            file: Its file.

        Returns:
            Whether each way ends.
        """
        ended_one, one = self._tried(ways[0])
        ended_two, two = self._tried(ways[1])
        one, two = ({} if ended_one and not ended_two else one), ({} if ended_two and not ended_one else two)
        for known, (table, key, new) in one.items():
            other = two[known][2] if known in two else (None if ended_two and not ended_one else table.get(key))
            self._join(table, key, new, other, tests, (node, file))
        for known, (table, key, new) in two.items():
            if known not in one:
                other = None if ended_one and not ended_two else table.get(key)
                self._join(table, key, new, other, (tests[1], tests[0]), (node, file))
        return ended_one, ended_two

    def _join(
        self,
        table: Table,
        key: Any,
        new: Value | None,
        other: Value | None,
        tests: tuple[Condition, Condition],
        code: tuple[ast.AST, SourceFile],
    ) -> None:
        """Write what one way and the other leave."""
        if new is None or other is None or other is new:
            kept = new if new is not None else other
        else:
            kept = either(new, other, tests, *code)
        if kept is not None:
            self.write(table, key, kept)

    def _tried(self, way: Callable[[], bool]) -> tuple[bool, Changes]:
        """Walk one way, take back what it wrote, and return that."""
        self._before.append({})
        ended = way()
        changes: Changes = {}
        for known, (table, key, old) in self._before.pop().items():
            changes[known] = (table, key, table.get(key))
            if old is None:
                table.pop(key, None)
            else:
                table[key] = old
        return ended, changes


def either(one: Value, two: Value, tests: tuple[Condition, Condition], node: ast.AST, file: SourceFile) -> Choice:
    """A value that is one of two."""
    return Choice((*_options(one, tests[0]), *_options(two, tests[1]))[:MOST_OPTIONS], node, file)


def _options(value: Value, test: Condition) -> tuple[Option, ...]:
    if isinstance(value, Choice):
        return tuple(Option(option.value, (*option.when, test)) for option in value.options)
    return (Option(value, (test,)),)
