"""Names that code reads as attributes, keys or parameters, and settings that leave the files as a whole.

A name counts as read when it stands anywhere, whatever object it is read from: that misses settings whose name another
object has as well, and never calls one unread that is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Class, Function, Instance
from trainclinic.script.program.names import is_library, name_of
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.settings import PARSED
from trainclinic.script.program.values import Attribute, Call, External, Spread, Value
from trainclinic.script.sources.imports import imports_of

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program
    from trainclinic.script.sources.source import SourceFile

_DECLARING = frozenset({"add_argument", "set_defaults", "option"})
_SHOWING = frozenset(
    {"print", "pprint", "pformat", "str", "repr", "vars", "dict", "len", "isinstance", "hasattr", "format", "asdict"}
    | {"dump", "dumps", "safe_dump", "write", "debug", "info", "warning", "error", "log", "log_params", "items", "copy"}
    | {"init", "update", "log_hyperparams", "init_trackers", "save_hyperparameters", "SimpleNamespace", "Namespace"}
    | {"fields", "to_dict", "print_args", "sorted", "getattr", "setattr", "keys", "deepcopy"}
)
"""Calls that show, store or copy settings and do nothing with a single one."""
_EVERYTHING = ("globals", "locals", "exec", "eval", "__dict__")


def is_read(program: Program, name: str, beside: SourceFile) -> bool:
    """Whether a name is read as attribute, key, parameter or variable.

    Args:
        program: The program.
        name: The name.
        beside: A file; those that it imports, and those that import it with all that they import, are searched too.
    """
    importers = [file for file in program.project.files if beside in program.reached_from(file)]
    related = {beside, *importers}.union(*(program.reached_from(file) for file in (beside, *importers)))
    return any(name in _names_in(program, file) for file in related)


def _names_in(program: Program, file: SourceFile) -> set[str]:
    known = _known_names(program)
    if file not in known:
        known[file] = set()
        if file.tree is not None:
            _Reader(known[file]).visit(file.tree)
    return known[file]


@asked_once
def _known_names(program: Program) -> dict[SourceFile, set[str]]:
    """Names of the files that were asked about so far."""
    del program
    return {}


class _Reader(ast.NodeVisitor):
    """Collects names, except where an option is declared."""

    def __init__(self, found: set[str]) -> None:
        self.found = found

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            self.found.add(node.attr)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.found.add(node.id)

    def visit_arg(self, node: ast.arg) -> None:
        self.found.add(node.arg)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and len(node.value) < 60:
            self.found.add(node.value)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        self.found.update(node.kwd_attrs)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _DECLARING:
            self.visit(node.func.value)
            return
        self.generic_visit(node)


@asked_once
def reads_everything(program: Program) -> bool:
    """Whether code looks at all variables at once, so that no name can be called unread.

    Args:
        program: The program.
    """
    return any(program.calls_of(*(f"builtins.{name}" for name in _EVERYTHING)))


@asked_once
def is_complete(program: Program) -> bool:
    """Whether every import leads to a file of the project or to a package of Python or of the field.

    Args:
        program: The program.
    """
    for file in program.project.files:
        for dotted, level in imports_of(file.tree) if file.tree is not None else ():
            if level or not is_library(dotted):
                parent = dotted.rpartition(".")[0]
                held = (program.project.module(name, file, level) for name in (dotted, parent) if name)
                if not any(one is not None for one in held):
                    return False
    return True


def leaves_files(program: Program, holders: Iterable[Value]) -> bool:
    """Whether an object with settings is handed to code that is not among the files, which may read any of them.

    Args:
        program: The program.
        holders: The objects.
    """
    known = set(holders)
    for event in program.calls:
        call = event.call
        handed = (*call.args, *(value for _, value in call.keywords))
        if any(_is_whole(value, known) for value in handed) and not _is_harmless(call):
            return True
    return False


def _is_whole(value: Value, known: set[Value]) -> bool:
    """Whether a value is one of the objects, or all that is in it."""
    if isinstance(value, Spread):
        value = value.value
    if isinstance(value, Attribute) and value.name == "__dict__":
        value = value.base
    if isinstance(value, Call) and value.method in {"vars", "asdict", "to_dict"} and (value.args or value.receiver):
        inner = value.args[0] if value.args else value.receiver
        return inner is not None and inner in known
    return value in known


def _is_harmless(call: Call) -> bool:
    if isinstance(call.function, (Function, Class, Instance)):
        return True
    name = name_of(call.function)
    return call.method in _SHOWING and (not isinstance(call.function, External) or is_library(name))


def parsed_options(program: Program) -> list[Value]:
    """What argument parsers of the program gave.

    Args:
        program: The program.
    """
    return [event.call for event in program.calls if event.call.method in PARSED]
