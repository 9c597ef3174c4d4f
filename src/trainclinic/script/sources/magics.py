r"""IPython's own lines inside Python code: `%magic`, `%%cellmagic`, `!shell` and `name?`.

They are replaced so that every line and column stays where it is. What they do is not looked at; command lines are
handed on as text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PYTHON_CELLS = frozenset(
    {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "wandb", "python", "python3", "px", "distributed"}
)
"""Cell magics whose cell is Python that runs."""
SHELL_CELLS = frozenset({"bash", "sh", "shell", "system", "sx", "cmd", "!"})
OTHER_CELLS = frozenset(
    {"html", "javascript", "js", "latex", "markdown", "svg", "perl", "ruby", "R", "julia", "sql", "bigquery", "script",
     "writefile", "file", "pypy", "python2", "cython", "configure", "pip", "conda", "ai", "help"}
)  # fmt: skip
"""Cell magics whose cell is no Python, or does not run here."""

_CELL_MAGIC = re.compile(r"\s*%%([\w!]+)([^\n]*)(?:\n|\Z)")
_LINE = re.compile(
    r"(?P<indent>[ \t]*)"
    r"(?:(?P<time>%time[ \t]+)(?![!%\-\s])"
    r"|(?P<target>[A-Za-z_][\w.\[\]'\", ]*=[ \t]*)(?P<assigned>(?:!|%(?=[A-Za-z]))(?:\\\n|[^\n])*)"
    r"|(?P<shell>!{1,2}(?:\\\n|[^\n])*)"
    r"|(?P<magic>%{1,2}[A-Za-z](?:\\\n|[^\n])*)"
    r"|(?P<help>\?{1,2}[\w.]+[ \t]*|[A-Za-z_%][\w.]*\?{1,2}[ \t]*)(?=\n|\Z))"
)
_TOKEN = re.compile(
    r"#[^\n]*|\"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\Z)|'''(?:[^\\]|\\.)*?(?:'''|\Z)|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?"
    r"|\\\n|[()\[\]{}\n]",
    re.S,
)
_ENVIRONMENT = re.compile(r"%(?:set_)?env\s+(\w+)\s*=?\s*(.*)")


class Plain(NamedTuple):
    """Code without IPython's lines.

    Attributes:
        text: As many lines as before, each with its code in its old place.
        shell_lines: Command lines, each with the number of its first line, from 1.
        says: Why a whole cell was left out, when nobody can expect that; empty otherwise.
    """

    text: str
    shell_lines: tuple[tuple[str, int], ...] = ()
    says: str = ""


def without_magics(text: str) -> Plain:
    r"""Take IPython's lines out of one cell.

    Args:
        text: The cell; lines end with `\n`.
    """
    cell = _CELL_MAGIC.match(text)
    if cell is None:
        return _without_lines(text)
    if cell[1] in PYTHON_CELLS:
        rest = _without_lines(text[cell.end() :])
        first = text.count("\n", 0, cell.end())
        shell = tuple((line, number + first) for line, number in rest.shell_lines)
        return Plain(blank(text[: cell.end()]) + rest.text, shell)
    if cell[1] in SHELL_CELLS:
        return Plain(blank(text), ((text[cell.end() :], text.count("\n", 0, cell.end()) + 1),))
    says = "" if cell[1] in OTHER_CELLS else f"cell was left out: `%%{cell[1]}` is not known to hold Python"
    return Plain(blank(text), says=says)


def blank(text: str) -> str:
    """Nothing but the line ends of a text."""
    return "\n" * text.count("\n")


def _without_lines(text: str) -> Plain:
    """Replace such lines where a statement can begin: outside brackets and strings."""
    pieces: list[str] = []
    shell: list[tuple[str, int]] = []
    at, depth, begins, line = 0, 0, True, 1
    while at < len(text):
        found = _LINE.match(text, at) if begins and depth <= 0 else None
        if found is not None:
            pieces.append(_replacement(found))
            shell += [(command, line) for command in [_command(found)] if command]
            end, begins = found.end(), False
        else:
            token = _TOKEN.search(text, at)
            end = token.end() if token is not None else len(text)
            mark = token[0] if token is not None else ""
            depth += (mark in _OPENING) - (mark in _CLOSING)
            begins = mark == "\n"
            pieces.append(text[at:end])
        line += text.count("\n", at, end)
        at = end
    return Plain("".join(pieces), tuple(shell))


_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def _replacement(found: re.Match[str]) -> str:
    whole = found[0]
    if found["time"]:
        return found["indent"] + "0;".ljust(len(found["time"]))
    if found["assigned"]:
        return found["indent"] + found["target"] + "None" + blank(found["assigned"])
    return (found["indent"] + "pass" if found["indent"] else "") + blank(whole)


def _command(found: re.Match[str]) -> str:
    """The command line that IPython would run, if any."""
    if found["shell"]:
        return found["shell"].lstrip("!")
    if found["assigned"] and found["assigned"].startswith("!"):
        return found["assigned"][1:]
    magic = found["magic"] or ""
    variable = _ENVIRONMENT.match(magic)
    if variable is not None:
        return f"export {variable[1]}={variable[2]}"
    name, _, rest = magic.lstrip("%").partition(" ")
    return {"pip": f"pip {rest}", "run": f"python {rest}", "sx": rest, "system": rest}.get(name, "")
