"""Small programs for tests: text in, what the walk saw out."""

from __future__ import annotations

import textwrap
from pathlib import Path

from trainclinic.script.program.program import Program, build_program
from trainclinic.script.program.values import Call, Value
from trainclinic.script.sources.project import read_project


def program_of(folder: Path, text: str = "", **files: str) -> Program:
    """The program of `train.py` with `text`, and of further files: `data="..."` is `data.py`, `run_sh` is `run.sh`."""
    named = {"train.py": text} if text else {}
    named |= {
        name.replace("_sh", ".sh") if name.endswith("_sh") else f"{name}.py": body for name, body in files.items()
    }
    for name, body in named.items():
        (folder / name).write_text(textwrap.dedent(body), encoding="utf-8")
    return build_program(read_project([folder]))


def the_call(program: Program, method: str) -> Call:
    """The last call whose name ends with `method`."""
    return program.calls_ending(method)[-1]


def seen(program: Program, position: int = 0) -> Value:
    """What the last call of `look` was given."""
    return the_call(program, "look").args[position]
