"""Parameters of classes, functions and methods, read from the syntax tree of their library.

Knows what Python's own machinery adds: `__init__` of a base, fields of dataclasses and their bases, aliases that a
deprecation decorator lets through. It does not know what a body does with `**kwargs`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from trainclinic.script.oracle.package import Found, Package, is_overload
from trainclinic.script.oracle.parameters import OPAQUE, Parameter, Shape

LONGEST_DEFAULT = 40
"""Longer defaults are no literals that a message would quote."""
_ALIASING = ("deprecate_kwarg",)
_SIMPLE = (ast.Constant, ast.Name, ast.Attribute, ast.UnaryOp)


def shape_of(package: Package, qualname: str, canonical: Collection[str] = ()) -> Shape | None:
    """What a callable of a library takes.

    Args:
        package: The library's sources.
        qualname: `trl.SFTConfig`, `transformers.Trainer.log`: top-level name, then perhaps a method.
        canonical: Qualified names that classes of other libraries are known by.

    Returns:
        Its parameters, or `None` when the library does not export it.
    """
    library, name, *method = qualname.split(".")
    found = package.find(library, name)
    if found is None:
        return None
    if isinstance(found.node, ast.ClassDef):
        return _of_method(package, found, method[0]) if method else _of_class(package, found, canonical)
    return None if method else Shape(tuple(_of_function(found.node)))


def _of_method(package: Package, found: Found, name: str) -> Shape | None:
    for each in package.lineage(found)[0]:
        node = _method(each, name)
        if node is not None:
            static = any(ast.unparse(decorator) == "staticmethod" for decorator in node.decorator_list)
            return Shape(tuple(_of_function(node))[0 if static else 1 :])
    return None


def _of_class(package: Package, found: Found, canonical: Collection[str]) -> Shape:
    classes, outside = package.lineage(found)
    for each in classes:
        node = _method(each, "__init__")
        if node is not None:
            parameters = tuple(_of_function(node))[1:]
            if not _passes_everything_on(parameters):
                return Shape(parameters)
        elif _is_dataclass(each.node):
            break
    fields: dict[str, Parameter] = {}
    for each in reversed(classes):
        if _is_dataclass(each.node):
            fields.update((parameter.name, parameter) for parameter in _fields(each.node))
    by_name = {name.rpartition(".")[2]: name for name in canonical if name.count(".") == 1}
    known = [by_name[name] for name in (base.rpartition(".")[2] for base in outside) if name in by_name]
    return Shape(tuple(fields.values()), tuple(dict.fromkeys(known)))


def _passes_everything_on(parameters: tuple[Parameter, ...]) -> bool:
    return [parameter.kind for parameter in parameters] == ["var_positional", "var_keyword"]


def _method(found: Found, name: str) -> ast.FunctionDef | None:
    methods = [node for node in found.node.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return next((node for node in methods if not is_overload(node)), None)


def _of_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Parameter]:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    for index, argument in enumerate(positional):
        default = arguments.defaults[index - required] if index >= required else None
        yield Parameter(argument.arg, "positional", _text(default))
    if arguments.vararg:
        yield Parameter(arguments.vararg.arg, "var_positional")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(argument.arg, "keyword", _text(default))
    taken = {argument.arg for argument in (*positional, *arguments.kwonlyargs)}
    yield from (alias for alias in _aliases(node) if alias.name not in taken)
    if arguments.kwarg:
        yield Parameter(arguments.kwarg.arg, "var_keyword")


def _aliases(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Parameter]:
    """Old names that a decorator `@deprecate_kwarg("old", ..., new_name="new")` maps to new ones."""
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func).rpartition(".")[2] not in _ALIASING:
            continue
        keywords = {keyword.arg: keyword.value for keyword in decorator.keywords}
        old = keywords.get("old_name") or (decorator.args[0] if decorator.args else None)
        new = keywords.get("new_name") or (decorator.args[2] if len(decorator.args) > 2 else None)
        if isinstance(old, ast.Constant):
            renamed = str(new.value) if isinstance(new, ast.Constant) else ""
            yield Parameter(str(old.value), "keyword", OPAQUE, renamed)


def _is_dataclass(node: ast.AST) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.ClassDef) else []
    return any(ast.unparse(each).partition("(")[0].rpartition(".")[2] == "dataclass" for each in decorators)


def _fields(node: ast.AST) -> Iterator[Parameter]:
    for statement in node.body if isinstance(node, ast.ClassDef) else ():
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if "ClassVar" in ast.unparse(statement.annotation):
            continue
        default = _field_default(statement.value)
        if default != "init=False":
            yield Parameter(statement.target.id, "positional", default)


def _field_default(value: ast.expr | None) -> str | None:
    if not isinstance(value, ast.Call) or ast.unparse(value.func).rpartition(".")[2] != "field":
        return _text(value)
    keywords = {keyword.arg: keyword.value for keyword in value.keywords}
    init = keywords.get("init")
    if isinstance(init, ast.Constant) and init.value is False:
        return "init=False"
    return _text(keywords.get("default", keywords.get("default_factory")), factory="default" not in keywords)


def _text(node: ast.expr | None, *, factory: bool = False) -> str | None:
    if node is None:
        return None
    text = ast.unparse(node)
    return text if isinstance(node, _SIMPLE) and not factory and len(text) <= LONGEST_DEFAULT else OPAQUE
