"""Settings in command lines: environment assignments, options of launchers and scripts, variables filled in.

Nothing is executed. Variables are replaced only by values that the same text assigns; everything else stays as written.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = re.compile(r"""[A-Za-z_]\w*\+?=\([^()]*\)|(?:[^\s"'\\;|&]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+|[;|&]+""", re.S)
_QUOTED = re.compile(r"""\\\n|\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'""", re.S)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.S)
_VARIABLE = re.compile(r"\$\{(\w+)(?:\[[@*]\])?(?::?-([^}]*))?\}|\$(\w+)")
_WORD_OF_VARIABLES = re.compile(r"(?:\$\w+|\$\{[^}\s]*\})+|\"\$\{\w+\[@\]\}\"")
_OPENED = re.compile(r"""(?<![^\s;])[A-Za-z_]\w*\+?=(?:(\()[^()]*|(")(?:[^"\\]|\\.)*|(')[^']*)\Z""")
_CLOSING = {"(": ")", '"': '"', "'": "'"}
_REDIRECTION = re.compile(r"\d*>>?(\S*)|<")
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
_PROMPT = re.compile(r"^\s*[$%>+]\s+")
_BEFORE_ASSIGNMENTS = frozenset({"export", "env", "set", "-x", "sudo", "nohup", "time", "declare", "local", "readonly"})
_LIST_LIMIT = 64
_VALUE_LIMIT = 20_000
"""Assignments such as `A=$A$A` double a value each time."""
_COMMAND_LIMIT = 1_000_000
"""Characters of a command after which its variables stay as written."""
_LINE_LIMIT = 200
"""An assignment that stays open for more lines than this has a quote that means something else."""


class Word(NamedTuple):
    """One word of a command.

    Attributes:
        text: The word; as written, or with its quotes removed and its variables filled in.
        line: Its line within the text, from 1.
        column: Its first column in that line, from 1.
        end_column: The column after it.
        quoted: Whether it was written between quotes.
    """

    text: str
    line: int
    column: int
    end_column: int
    quoted: bool = False


class Option(NamedTuple):
    """A name and its value in a command.

    Attributes:
        name: As written, without leading dashes.
        value: Several values are joined with commas; `true` where there is none.
        word: The word that names it.
    """

    name: str
    value: str
    word: Word


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
    settings: list[Option] = []
    variables: dict[str, str] = {}
    for words in commands_of(text):
        assigned, rest = take_assignments(words, variables)
        command = expanded(rest, variables)
        settings += assigned
        if command and (_LAUNCHER.match(command[0].text) or any(word.text.startswith("--") for word in command)):
            settings += options_of(command)
    return [(option.name, option.value, option.word.line) for option in settings]


def commands_of(text: str) -> list[list[Word]]:
    """Words of each simple command, as written; comments and redirections go.

    Lines that end with a backslash continue, and so do assignments whose quote or bracket is still open.

    Args:
        text: One command or a whole script.
    """
    commands: list[list[Word]] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        end = at + 1 if lines[at].lstrip().startswith("#") else _end_of_command(lines, at)
        commands += _split(lines[at:end], at + 1)
        at = end
    return commands


def _end_of_command(lines: list[str], at: int) -> int:
    end = at + 1
    while end < len(lines):
        if lines[end - 1].rstrip().endswith("\\"):
            end += 1
            continue
        written = "\n".join(lines[at:end])
        opened = _OPENED.search(written)
        if opened is None or all(word.start() != opened.start() for word in _WORD.finditer(written)):
            break
        closing = _CLOSING[opened[opened.lastindex or 0]]
        found = next((n for n, line in enumerate(lines[end : end + _LINE_LIMIT], start=end) if closing in line), None)
        if found is None:
            break
        end = found + 1
    return end


def _split(lines: list[str], first: int) -> list[list[Word]]:
    """The commands on some lines that belong together.

    Args:
        lines: The lines.
        first: Number of the first one.
    """
    parts = [_PROMPT.sub(lambda found: " " * len(found[0]), line.rstrip().removesuffix("\\")) for line in lines]
    joined = "\n".join(parts)
    commands: list[list[Word]] = [[]]
    line, start, comment_end = first, 0, 0
    for match in _WORD.finditer(joined):
        if match.start() < comment_end:
            continue
        while (newline := joined.find("\n", start, match.start())) >= 0:
            line, start = line + 1, newline + 1
        if match[0][0] in ";|&":
            commands.append([])
        elif match[0].startswith("#"):
            comment_end = match.start() + len(joined[match.start() :].partition("\n")[0])
        else:
            column = match.start() - start + 1
            width = len(match[0].partition("\n")[0])
            commands[-1].append(Word(match[0], line, column, column + width, match[0][0] in "\"'"))
    return [kept for words in commands if (kept := _without_redirections(words))]


def _without_redirections(words: list[Word]) -> list[Word]:
    kept: list[Word] = []
    is_target = False
    for word in words:
        redirection = None if is_target else _REDIRECTION.fullmatch(word.text)
        if redirection is None and not is_target:
            kept.append(word)
        is_target = redirection is not None and not redirection[1]
    return kept


def expanded(words: list[Word], variables: dict[str, str]) -> list[Word]:
    """Words with their variables filled in and their quotes removed; `$ARGS` can become several words.

    Args:
        words: Words as written.
        variables: Values by name; variables that are missing here stay as written.
    """
    out: list[Word] = []
    room = _COMMAND_LIMIT
    for word in words:
        value = _unquoted(word.text, variables if room > 0 else {})
        room -= len(value)
        is_list = _WORD_OF_VARIABLES.fullmatch(word.text) is not None
        out += [word._replace(text=piece) for piece in (value.split() if is_list else [value])]
    return out


def _unquoted(text: str, variables: dict[str, str]) -> str:
    def variable(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[3], match[2] or match[0])

    filled = text if text.startswith("'") else _VARIABLE.sub(variable, text, count=_LIST_LIMIT)
    return _QUOTED.sub(lambda match: next((group for group in match.groups() if group is not None), ""), filled)


def take_assignments(words: list[Word], variables: dict[str, str]) -> tuple[list[Option], list[Word]]:
    """Remember leading `NAME=value` words.

    Args:
        words: Words of one command, as written.
        variables: Values by name, to which the assigned ones are added.

    Returns:
        What was assigned, and the words of the command itself.
    """
    assigned: list[Option] = []
    at = 0
    while at < len(words):
        if words[at].text in _BEFORE_ASSIGNMENTS:
            at += 1
            continue
        match = _ASSIGNMENT.fullmatch(words[at].text)
        if match is None:
            break
        name, value = match[1], _assigned(match[3], variables)
        if match[2]:
            between = " " if match[3].startswith("(") else ""
            value = f"{variables.get(name, '')}{between}{value}"
        variables[name] = value[:_VALUE_LIMIT]
        assigned.append(Option(name, variables[name], words[at]))
        at += 1
    return assigned, words[at:]


def _assigned(raw: str, variables: dict[str, str]) -> str:
    if not (raw.startswith("(") and raw.endswith(")")):
        return _unquoted(raw, variables)
    items = _WORD.findall(re.sub(r"(?:^|(?<=\s))#[^\n]*", "", raw[1:-1]))
    return " ".join(_unquoted(item, variables) for item in items)


def options_of(words: list[Word], *, ends_at_script: bool = True) -> list[Option]:
    """`--name value`, `--name=value`, `--flag` and `key=value` of one command.

    Args:
        words: Words of the command, filled in.
        ends_at_script: Whether a word that ends with `.py` is no value of the option before it: the launched script
            ends the options of its launcher.
    """
    out: list[Option] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        option = _OPTION.fullmatch(word.text)
        if option is None:
            pair = None if word.quoted else _KEY_VALUE.fullmatch(word.text)
            if pair is not None:
                out.append(Option(pair[1], pair[2], word))
            elif word.text in {"bf16", "fp16"}:  # positional arguments of launch scripts
                out.append(Option(word.text, "true", word))
            continue
        if option[2] is not None:
            out.append(Option(option[1], option[2], word))
            continue
        values: list[str] = []
        while (
            at < len(words) and len(values) < _LIST_LIMIT and _is_value(words[at].text, ends_at_script=ends_at_script)
        ):
            values.append(words[at].text)
            at += 1
        if word.text.startswith("--") or values:
            out.append(Option(option[1], ",".join(values) or "true", word))
    return out


def _is_value(text: str, *, ends_at_script: bool) -> bool:
    if ends_at_script and text.endswith(".py"):
        return False
    return not text.startswith("-") or re.fullmatch(r"-\d[\d.eE+-]*", text) is not None
