"""The source tree of a library, looked up by qualified name without importing anything.

Follows imports, relative and starred, to the file that defines a name. It does not evaluate code: names that a library
computes at run time are not found.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Read = Callable[[str], "str | None"]
_DUMMIES = "dummy_"


@dataclass(slots=True)
class Module:
    """The names that a module binds at its top level, including inside `if` and `try`.

    Attributes:
        name: Dotted name.
        is_package: Whether it is an `__init__.py`.
        definitions: Classes and functions by name; the first definition of a name counts.
        imports: Imported names: dotted module and name in it; an empty name stands for the module itself.
        stars: Modules of which everything is imported.
    """

    name: str
    is_package: bool
    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """A definition with the module it stands in.

    Attributes:
        module: The module.
        node: The class or function.
    """

    module: Module
    node: Definition


class Package:
    """The sources of one library.

    Args:
        read: Gives the text of a file by its path from the folder that holds the library (`trl/trainer/utils.py`), or
            `None` when there is no such file.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The module of a dotted name, parsed when first asked for; `None` when it is missing or broken."""
        if name not in self._modules:
            self._modules[name] = self._load(name)
        return self._modules[name]

    def _load(self, name: str) -> Module | None:
        path = name.replace(".", "/")
        for file, is_package in ((f"{path}.py", False), (f"{path}/__init__.py", True)):
            text = self._read(file)
            if text is None:
                continue
            try:
                tree = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError):
                return None
            module = Module(name, is_package)
            for statement in _top_level(tree.body):
                _bind(module, statement)
            return module
        return None

    def find(self, module_name: str, name: str, seen: frozenset[tuple[str, str]] = frozenset()) -> Found | None:
        """The definition that a name of a module leads to, inside this library.

        Args:
            module_name: Dotted name of the module.
            name: Name as that module binds it.
            seen: Names already followed.
        """
        module = self.module(module_name)
        if module is None or (module_name, name) in seen:
            return None
        if name in module.definitions:
            return Found(module, module.definitions[name])
        seen |= {(module_name, name)}
        if name in module.imports:
            target, original = module.imports[name]
            return self.find(target, original, seen) if original else None
        found = (self.find(star, name, seen) for star in module.stars)
        return next((each for each in found if each), None)

    def bases(self, found: Found) -> Iterator[Found | str]:
        """The base classes of a class: definitions of this library, dotted names of others."""
        for base in found.node.bases if isinstance(found.node, ast.ClassDef) else ():
            name = ast.unparse(base)
            inside = self.find(found.module.name, name)
            if inside is not None:
                yield inside
            elif name in found.module.imports:
                yield ".".join(filter(None, found.module.imports[name]))
            else:
                head, _, rest = name.partition(".")
                yield ".".join((*filter(None, found.module.imports.get(head, (head,))), rest))

    def lineage(self, found: Found) -> tuple[list[Found], list[str]]:
        """A class and its bases inside the library, nearest first, and the bases of other libraries."""
        classes, outside = [found], list[str]()
        for base in self.bases(found):
            if isinstance(base, str):
                outside.append(base)
            elif isinstance(base.node, ast.ClassDef):
                more, beyond = self.lineage(base)
                classes += [each for each in more if each not in classes]
                outside += beyond
        return classes, outside


def is_overload(node: Definition) -> bool:
    """Whether a definition only declares types for one of several ways to call the function that follows it."""
    return any(ast.unparse(each).rpartition(".")[2] == "overload" for each in node.decorator_list)


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.If):
            yield from _top_level([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            handled = [each for handler in statement.handlers for each in handler.body]
            yield from _top_level([*statement.body, *statement.orelse, *handled])


def _bind(module: Module, statement: ast.stmt) -> None:
    if isinstance(statement, Definition):
        if not is_overload(statement):
            module.definitions.setdefault(statement.name, statement)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            module.imports[alias.asname or alias.name.partition(".")[0]] = (alias.name, "")
    elif isinstance(statement, ast.ImportFrom):
        source = _absolute(module, statement)
        for alias in statement.names:
            if _DUMMIES in source:
                continue
            if alias.name == "*":
                module.stars.append(source)
            else:
                module.imports[alias.asname or alias.name] = (source, alias.name)


def _absolute(module: Module, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    parts = module.name.split(".")
    drop = statement.level - module.is_package
    kept = parts[: len(parts) - drop] if drop else parts
    return ".".join([*kept, *filter(None, [statement.module])])
