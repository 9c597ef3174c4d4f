"""Which file an import means, as far as names and folders tell.

It knows the order in which Python looks: the importer's own folder, then the folders that packages lie in. It does not
know installed libraries, and nothing is imported.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from trainclinic.script.sources.folders import is_inside, real_path
from trainclinic.script.sources.versions import LIBRARIES


def imports_of(tree: ast.Module) -> list[tuple[str, int]]:
    """Every module that code may import, as dotted name and number of leading dots, in order and without repetition.

    Args:
        tree: The code; imports inside functions and conditions count.
    """
    found: dict[tuple[str, int], None] = {}
    for node in statements_of(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.update(dict.fromkeys((package, 0) for package in _with_packages(alias.name)))
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found.update(dict.fromkeys((package, node.level) for package in _with_packages(module)))
            for alias in node.names:  # `from package import module` looks like `from module import name`
                found[f"{module}.{alias.name}" if module else alias.name, node.level] = None
    return list(found)


def statements_of(tree: ast.AST) -> Iterator[ast.stmt]:
    """Every statement below a node, without a look into expressions, which hold none.

    Args:
        tree: A module, or a statement with a body.
    """
    pending = [tree]
    for node in pending:  # grows while it is gone through: level by level
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, part, None)
            if isinstance(inner, list):
                pending += inner
                yield from (one for one in inner if isinstance(one, ast.stmt))


def _with_packages(dotted: str) -> list[str]:
    """A dotted name after the packages around it, which are imported first."""
    parts = dotted.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def candidates(dotted: str, importer: Path, level: int, roots: Iterable[Path]) -> Iterator[str]:
    """Paths of the files that an import may mean, the likeliest first; they need not exist.

    Args:
        dotted: Name as written, without leading dots; may be empty with a `level`.
        importer: The file that imports.
        level: Number of leading dots.
        roots: Folders from which absolute imports start.
    """
    parts = [part for part in dotted.split(".") if part]
    if not (parts or level):
        return
    own = str(importer.absolute())
    for folder in _folders(parts, importer, level, roots):
        base = os.path.join(folder, *parts)  # noqa: PTH118 (called for every attribute of a library)
        for path in (f"{base}{os.sep}__init__.py", f"{base}.py") if parts else (f"{base}{os.sep}__init__.py",):
            if path != own:
                yield path


def _folders(parts: list[str], importer: Path, level: int, roots: Iterable[Path]) -> Iterator[Path]:
    here = importer.absolute().parent
    if level:
        above = [here, *here.parents]
        if level <= len(above):
            yield above[level - 1]
        return
    is_package = (here / "__init__.py").is_file()
    if not (is_package and (parts[0] in sys.stdlib_module_names or parts[0] in LIBRARIES)):
        yield here
    if parts[0] in LIBRARIES:  # a checkout of a library beside its examples is still that library
        return
    reals = {real_path(root) for root in roots}
    for parent in here.parents:
        if any(is_inside(real_path(parent), root) for root in reals):
            yield parent
    yield from roots
