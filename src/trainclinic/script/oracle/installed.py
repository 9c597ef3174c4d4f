"""The libraries of this Python environment, found and read without importing them."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from trainclinic.script.oracle.package import Package


@dataclass(frozen=True, slots=True)
class Installed:
    """One installed library.

    Attributes:
        version: Its version.
        package: Its sources.
    """

    version: str
    package: Package


def installed(library: str) -> Installed | None:
    """The installed library of that name, or `None` when there is none or its version cannot be told.

    Args:
        library: Top-level import name, which for the libraries of the table is the name of the distribution as well.
    """
    if not library.isidentifier():
        return None
    try:
        spec = importlib.util.find_spec(library)
    except (ImportError, ValueError):
        return None
    origin = Path(spec.origin) if spec is not None and spec.origin else None
    if origin is None or origin.name != "__init__.py":
        return None
    try:
        return _read(origin, origin.stat().st_mtime_ns)
    except OSError:
        return None


@cache
def _read(origin: Path, _modified: int) -> Installed | None:
    """The library whose `__init__.py` this is; read again when the file has changed."""
    found = _version(origin)
    root = origin.parent.parent

    def text(path: str) -> str | None:
        try:
            return (root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    return None if found is None else Installed(found, Package(text))


def _version(origin: Path) -> str | None:
    """The version that the sources state, else that of the distribution."""
    try:
        body = ast.parse(origin.read_bytes()).body
    except (SyntaxError, ValueError):
        body = []
    for statement in body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__version__":
            value = statement.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return value.value
    try:
        return version(origin.parent.name)
    except PackageNotFoundError:
        return None
