"""Which versions of the libraries a program meets, and which names of them its calls mean.

It knows pins, the libraries of this environment, and code that asks for a version. It does not know ranges of versions:
`transformers>=4.40` says nothing about the one that runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.script.oracle.signatures import Oracle
from trainclinic.script.oracle.symbols import LIBRARIES, SYMBOLS
from trainclinic.script.program.definitions import Class
from trainclinic.script.program.names import canonical, name_of
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.reading import argument
from trainclinic.script.program.settings import option_names
from trainclinic.script.program.values import Call, External, Items
from trainclinic.script.sources.imports import imports_of, statements_of

if TYPE_CHECKING:
    from trainclinic.script.places import Place
    from trainclinic.script.program.program import Program
    from trainclinic.script.sources.source import SourceFile

KNOWN = frozenset(SYMBOLS)
PATCHING = frozenset({"unsloth"})
"""Packages that replace classes of other libraries, whose signatures then differ from the released ones."""
_MOVED = ".experimental"
"""Where trl keeps what it no longer exports under the flat name."""
_CAUGHT = frozenset({"TypeError", "ImportError", "ModuleNotFoundError", "AttributeError"})
_ASKS = ("version", "signature", "hasattr", "is_available", "_available", "__dataclass_fields__")


@asked_once
def oracle(program: Program) -> Oracle:
    """What the libraries of a program accept.

    Args:
        program: The program.
    """
    return Oracle({library: version for library, (version, _) in program.project.versions.items()})


@asked_once
def is_patched(program: Program) -> bool:
    """Whether the program imports a package that gives trainers other signatures.

    Args:
        program: The program.
    """
    trees = (file.tree for file in program.project.files)
    return any(name.partition(".")[0] in PATCHING for tree in trees if tree is not None for name, _ in imports_of(tree))


def is_of_its_time(program: Program, library: str) -> bool:
    """Whether a library has no known version while the project pins another one: it may be as old as that.

    Args:
        program: The program.
        library: The library.
    """
    pinned = set(program.project.versions) & set(LIBRARIES)
    return oracle(program).version(library) is None and bool(pinned - {library})


def qualified(call: Call) -> str:
    """The name under which the table of signatures holds what is called; empty when it does not.

    A class of the files without a constructor of its own is built like the class that it derives from.

    Args:
        call: The call.
    """
    function = call.function
    if isinstance(function, Class) and function.find("__init__") is None:
        bases = [one for one in function.lineage() if isinstance(one, External)]
        function = bases[0] if bases else function
    if isinstance(function, External):
        name = canonical(function.name)
        return name if name in KNOWN and _MOVED not in function.name else ""
    return ""


def library_calls(program: Program) -> Iterator[tuple[Call, str]]:
    """Calls of what the table of signatures holds, each with its name there, once per place.

    Calls beside a question for the version are left out, and everything where other signatures stand in.

    Args:
        program: The program.
    """
    seen: set[ast.AST] = set()
    for event in program.calls if not is_patched(program) else ():
        name = qualified(event.call)
        if name and event.node not in seen and not asks_for_version(program, event.file, event.node):
            seen.add(event.node)
            yield event.call, name


def keywords_of(call: Call) -> Iterator[tuple[str, Place]]:
    """Keyword arguments that a call of a library hands over, each with its code, or with the call where `**` gives it.

    Args:
        call: The call; fields that a class of the files adds to one of a library are left out.
    """
    node, file = call.node, call.file
    if not isinstance(node, ast.Call) or file is None:
        return
    written = {keyword.arg: keyword for keyword in node.keywords if keyword.arg is not None}
    own = set(_fields(call.function)) if isinstance(call.function, Class) else set()
    is_unpacked = len(written) < len(node.keywords)
    for name, _ in call.keywords:
        if name is not None and name not in own and (name in written or is_unpacked):
            yield name, file.place(written.get(name, node))


def _fields(cls: Class) -> Iterator[str]:
    for one in cls.lineage():
        for statement in one.definition.body if isinstance(one, Class) else ():
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                yield statement.target.id


def imported_names(file: SourceFile) -> Iterator[tuple[str, ast.AST]]:
    """Names that a file imports from the libraries of the table, as `trl.SFTConfig`, each with its code.

    Args:
        file: The file.
    """
    if file.tree is None or not any(f"from {library}" in file.text for library in LIBRARIES):
        return
    for node in statements_of(file.tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                name = canonical(f"{node.module}.{alias.name}")
                if name.partition(".")[0] in LIBRARIES and _MOVED not in node.module:
                    yield name, alias


def parsed_classes(program: Program) -> Iterator[tuple[Call, str]]:
    """Configurations of the libraries whose fields a program takes from its command line: the parser, the name.

    Args:
        program: The program.
    """
    for parser in program.calls_ending("HfArgumentParser", "TrlParser") if not is_patched(program) else ():
        handed = argument(parser, "dataclass_types", 0)
        for one in handed.elements if isinstance(handed, Items) else (handed,):
            name = name_of(one)
            if name in KNOWN:
                yield parser, name


def named_in_code(call: Call) -> str:
    """`transformers.AdamW` where a call names the library itself; empty where the name was imported before.

    Args:
        call: The call.
    """
    written = isinstance(call.node, ast.Call) and isinstance(call.node.func, ast.Attribute)
    return name_of(call.function) if written else ""


def asks_for_version(program: Program, file: SourceFile, node: ast.AST) -> bool:
    """Whether code stands where a program has asked for a version, or falls back when a name or argument is missing.

    Args:
        program: The program.
        file: The file.
        node: The code.
    """
    known = _guards(program)
    if file not in known:
        known[file] = _guarded_lines(file)
    return any(first <= getattr(node, "lineno", 0) <= last for first, last in known[file])


@asked_once
def _guards(program: Program) -> dict[SourceFile, list[tuple[int, int]]]:
    """What `_guarded_lines` said of the files that were asked about so far."""
    del program
    return {}


def _guarded_lines(file: SourceFile) -> list[tuple[int, int]]:
    found = []
    for node in ast.walk(file.tree) if file.tree is not None else ():
        if isinstance(node, (ast.If, ast.IfExp)):
            test = ast.unparse(node.test).lower()
            is_guard = any(word in test for word in _ASKS)
        else:
            is_guard = isinstance(node, ast.Try) and any(_falls_back(handler) for handler in node.handlers)
        if is_guard and isinstance(node, (ast.stmt, ast.expr)):
            found.append((node.lineno, node.end_lineno or node.lineno))
    return found


def _falls_back(handler: ast.ExceptHandler) -> bool:
    """Whether a handler expects a missing name or argument, or imports something else instead."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
    if any(ast.unparse(one).rpartition(".")[2] in _CAUGHT for one in caught):
        return True
    return any(isinstance(node, (ast.Import, ast.ImportFrom)) for one in handler.body for node in ast.walk(one))


def declares_option(program: Program, name: str) -> bool:
    """Whether a program declares an option itself: a field of one of its classes, or of its argument parser.

    Args:
        program: The program.
        name: The option.
    """
    if any(name in _fields(cls) for cls in program.classes):
        return True
    return any(name in option_names(call) for call in program.calls_ending("add_argument"))
