"""Values that launch scripts give to the options and environment variables of a program."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trainclinic.script.program.values import Constant, Value

if TYPE_CHECKING:
    from trainclinic.script.sources.launches import Launch
    from trainclinic.script.sources.source import SourceFile

PLAIN_LAUNCHERS = frozenset({"python", "torchrun", "accelerate"})
"""Launchers that start a script of the user; others bring their own program."""


def given_by_launches(
    launches: Iterable[Launch], program: SourceFile | None, kind: str, name: str
) -> tuple[Value, ...]:
    """Values that launch scripts give a setting, in their order.

    Args:
        launches: Commands of the project.
        program: The file that is started.
        kind: `options` or `environment`.
        name: The option or variable.
    """
    held = [
        (launch.options if kind == "options" else launch.environment).get(name)
        for launch in launches
        if is_meant(launch, program)
    ]
    return tuple(Constant(_plain(one[0])) for one in held if one is not None)


def all_given_by_launches(launches: Iterable[Launch], program: SourceFile | None) -> dict[str, tuple[Value, ...]]:
    """Every option that launch scripts give to a program, by name.

    Args:
        launches: Commands of the project.
        program: The file that is started.
    """
    mine = [launch for launch in launches if is_meant(launch, program)]
    names = sorted({name for launch in mine for name in launch.options})
    return {name: given_by_launches(mine, program, "options", name) for name in names}


def is_meant(launch: Launch, program: SourceFile | None) -> bool:
    """Whether a command starts a file; one without a script or module sets things for all.

    Args:
        launch: The command.
        program: The file.
    """
    if program is None:
        return False
    if launch.module:
        return launch.module.rpartition(".")[2] == program.path.stem
    name = launch.script.replace("\\", "/").rpartition("/")[2]
    return program.path.name == name if name else launch.launcher in PLAIN_LAUNCHERS


def _plain(text: str) -> Any:
    """A value from a command line: a number or flag where it reads as one."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
