"""How a class of a library calls its own methods: what an override must be able to take.

Sees direct calls (`self.log(...)`), calls through a local name (`step = self.training_step; step(...)`) and calls of a
method that was passed as an argument. It does not see calls from other classes.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from trainclinic.script.oracle.package import Package
from trainclinic.script.oracle.parameters import Site


def call_sites(package: Package, qualname: str, methods: Collection[str]) -> dict[str, tuple[Site, ...]]:
    """Distinct ways in which a class calls methods on itself.

    Args:
        package: The library's sources.
        qualname: The class, e.g. `transformers.Trainer`.
        methods: Names of methods to look for.

    Returns:
        Sites by method, sorted; methods that are never called are missing.
    """
    library, name = qualname.split(".")
    found = package.find(library, name)
    if found is None or not isinstance(found.node, ast.ClassDef):
        return {}
    functions = [
        node for each in package.lineage(found)[0] for node in each.node.body if isinstance(node, ast.FunctionDef)
    ]
    sites: dict[str, set[Site]] = {}
    lent = _lent(functions)
    for function in functions:
        for method, call in _calls(function, lent.get(function.name, {})):
            if method in methods:
                sites.setdefault(method, set()).add(_site(call))
    return {method: tuple(sorted(each, key=_order)) for method, each in sorted(sites.items())}


def _lent(functions: list[ast.FunctionDef]) -> dict[str, dict[str, set[str]]]:
    """Methods that are passed by keyword to other methods: callee, parameter, names."""
    found: dict[str, dict[str, set[str]]] = {}
    for function in functions:
        for call in ast.walk(function):
            callee = _own(call.func) if isinstance(call, ast.Call) else None
            if callee is None or not isinstance(call, ast.Call):
                continue
            for keyword in call.keywords:
                lent = set(_mentioned(keyword.value))
                if lent and keyword.arg:
                    found.setdefault(callee, {}).setdefault(keyword.arg, set()).update(lent)
    return found


def _calls(function: ast.FunctionDef, lent: dict[str, set[str]]) -> Iterator[tuple[str, ast.Call]]:
    names = {name: set(methods) for name, methods in lent.items()}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.setdefault(node.targets[0].id, set()).update(_mentioned(node.value))
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        method = _own(node.func)
        if method:
            yield method, node
        elif isinstance(node.func, ast.Name):
            yield from ((each, node) for each in sorted(names.get(node.func.id, ())))


def _mentioned(node: ast.expr) -> Iterator[str]:
    """The methods that a value can be: `self.a`, or one side of `self.a if ... else self.b`."""
    if isinstance(node, ast.IfExp):
        yield from _mentioned(node.body)
        yield from _mentioned(node.orelse)
    elif name := _own(node):
        yield name


def _own(node: ast.expr) -> str | None:
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if own and isinstance(node, ast.Attribute) else None


def _site(call: ast.Call) -> Site:
    plain = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
    names = tuple(sorted(keyword.arg for keyword in call.keywords if keyword.arg))
    unpacks = len(plain) < len(call.args) or len(names) < len(call.keywords)
    return Site(len(plain), names, unpacks)


def _order(site: Site) -> tuple[int, tuple[str, ...], bool]:
    return site.positional, site.keywords, site.unpacks
