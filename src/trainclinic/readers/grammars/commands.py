"""Settings in command lines: environment assignments, options of launchers and scripts, variables filled in.

Nothing is executed. Variables are replaced only by values that the same text assigns; everything else stays as written.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = re.compile(r"""(?:[^\s"'\\;|&]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+|[;|&]+""", re.S)
_QUOTED = re.compile(r"""\\\n|\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'""", re.S)
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)=(.*)", re.S)
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)")
_OPTION = re.compile(r"--?([A-Za-z][\w.\-/]*)(?:=(.*))?", re.S)
_KEY_VALUE = re.compile(r"\+{0,2}([A-Za-z_][\w.\-/]*)=(.*)", re.S)
_LAUNCHER = re.compile(
    r"(?:\S*/)?(?:python[\d.]*|torchrun|accelerate|deepspeed|llamafactory-cli|axolotl|swift|tune|mlx_lm\S*|litgpt|"
    r"composer|colossalai|ray|srun|mpirun|uv|bash|sh|xtuner|autotrain|lightning|nohup|poetry|pipenv|sudo|time|env)$"
)
_COMMAND_LINE = re.compile(
    r"\s*(?:[$%>#+]\s+|\S+@\S+[$#]\s+)?(?:export\s+|nohup\s+|sudo\s+|time\s+|env\s+)*(?:[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s\"'])*\s+)*"
    r"(?:\S*/)?(?:(?:python[\d.]*|torchrun|deepspeed|srun|mpirun|composer|colossalai)\s+\S+|accelerate\s+launch\s|"
    r"llamafactory-cli\s+\w|axolotl\s+\w|swift\s+(?:sft|pt|rlhf)|tune\s+run|mlx_lm\S*\s+--|litgpt\s+\w|xtuner\s+train|"
    r"autotrain\s+\w|ray\s+job|lightning\s+run|uv\s+run)"
)
_ENVIRONMENT_LINE = re.compile(r"\s*(?:export\s+)?[A-Z][A-Z0-9_]{2,}=\S+.*\\\s*$")
_LIST_LIMIT = 64


class _Word(NamedTuple):
    text: str
    line: int


def begins_command(line: str) -> bool:
    """Whether a line of a log shows a command (or its environment, continued with a backslash)."""
    return (_COMMAND_LINE.match(line) is not None and len(line) < 20_000) or _ENVIRONMENT_LINE.match(line) is not None


def settings_of_command(text: str) -> list[tuple[str, str, int]]:
    """Name, value and line (from 1 within `text`) of every setting in a command or shell script.

    Options without a value are `true`; an option with several values gets them joined with commas. Assigned variables
    are settings themselves (`BATCH_SIZE=8 python train.py`) and are filled in where they are used (`--lr $LR`).

    Args:
        text: One command, possibly over several lines with backslashes, or a whole script.
    """
    settings: list[tuple[str, str, int]] = []
    variables: dict[str, str] = {}
    for words in _commands(text):
        rest = _take_assignments(words, variables, settings)
        if rest:
            settings += _options(rest, variables)
    return settings


def _commands(text: str) -> list[list[_Word]]:
    """Words of each simple command; comments go, lines that end with a backslash continue."""
    commands: list[list[_Word]] = []
    logical: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not logical and line.lstrip().startswith("#"):
            continue
        continued = line.rstrip().endswith("\\")
        logical.append((number, re.sub(r"^\s*[$%>+]\s+", "", line.rstrip().removesuffix("\\"))))
        if not continued:
            commands += _split(logical)
            logical = []
    return commands + (_split(logical) if logical else [])


def _split(logical: list[tuple[int, str]]) -> list[list[_Word]]:
    commands: list[list[_Word]] = [[]]
    for number, part in logical:
        for match in _WORD.finditer(part):
            if match[0][0] in ";|&":
                commands.append([])
            elif match[0].startswith("#"):
                break
            else:
                commands[-1].append(_Word(match[0], number))
    return [words for words in commands if words]


def _unquoted(text: str, variables: dict[str, str]) -> str:
    def variable(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[3], match[2] or match[0])

    filled = text if text.startswith("'") else _VARIABLE.sub(variable, text)
    return _QUOTED.sub(lambda match: next((group for group in match.groups() if group is not None), ""), filled)


def _take_assignments(
    words: list[_Word], variables: dict[str, str], settings: list[tuple[str, str, int]]
) -> list[_Word]:
    """Remember leading `NAME=value` words; what remains is the command itself."""
    at = 0
    while at < len(words):
        if words[at].text in {"export", "env", "set", "-x", "sudo", "nohup", "time", "declare"}:
            at += 1
            continue
        match = _ASSIGNMENT.fullmatch(words[at].text)
        if match is None:
            break
        variables[match[1]] = _unquoted(match[2], variables)
        settings.append((match[1], variables[match[1]], words[at].line))
        at += 1
    return words[at:]


def _options(words: list[_Word], variables: dict[str, str]) -> list[tuple[str, str, int]]:
    """`--name value`, `--name=value`, `--flag` and `key=value` of one command."""
    if not _LAUNCHER.match(words[0].text) and not any(word.text.startswith("--") for word in words):
        return []
    out: list[tuple[str, str, int]] = []
    at = 0
    while at < len(words):
        text, line = words[at]
        at += 1
        option = _OPTION.fullmatch(text)
        if option is None:
            pair = _KEY_VALUE.fullmatch(text)
            if pair is not None:
                out.append((pair[1], _unquoted(pair[2], variables), line))
            elif text in {"bf16", "fp16"}:  # positional arguments of launch scripts
                out.append((text, "true", line))
            continue
        if option[2] is not None:
            out.append((option[1], _unquoted(option[2], variables), line))
            continue
        values: list[str] = []
        while at < len(words) and len(values) < _LIST_LIMIT and _is_value(words[at].text):
            values.append(_unquoted(words[at].text, variables))
            at += 1
        if text.startswith("--") or values:
            out.append((option[1], ",".join(values) or "true", line))
    return out


def _is_value(text: str) -> bool:
    if text.endswith(".py"):  # the launched script ends the options of its launcher
        return False
    return not text.startswith("-") or re.fullmatch(r"-\d[\d.eE+-]*", text) is not None
