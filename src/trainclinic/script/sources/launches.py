"""Launch scripts: which program is started, on how many processes, with which options and variables.

It knows the words of launchers (`torchrun`, `accelerate launch`, `deepspeed`, `python -m` ...) in shell scripts, make
files and notebook cells. Nothing is executed: loops, conditions and computed values are left as written, and whether
the program exists is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trainclinic.readers.grammars.commands import Word, commands_of, expanded, options_of, take_assignments
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source
from trainclinic.script.places import Place
from trainclinic.script.sources.commands import Started, started
from trainclinic.script.sources.decoding import plain_lines
from trainclinic.script.sources.processes import processes_of

if TYPE_CHECKING:
    from trainclinic.script.sources.source import SourceFile

MOST_BYTES = 1_000_000
"""Longer shell scripts carry an archive, not commands."""
SUFFIXES = frozenset({".sh", ".bash", ".slurm", ".sbatch"})
MAKE_FILES = frozenset({"makefile", "gnumakefile"})

_SHEBANG = re.compile(rb"#!\s*\S*(?:/|\s)(?:ba|z|da)?sh\b")
_MAKE_ASSIGNMENT = re.compile(r"(?:export\s+)?(\w+)\s*(?::{0,2}|\?)=[ \t]*(.*)")
_KEYWORDS = frozenset({"do", "then", "else", "elif", "if", "while", "until", "!", "{", "("})

Located = Mapping[str, tuple[str, Place]]


@dataclass(frozen=True, slots=True)
class Launch:
    """One command that starts a program.

    Attributes:
        name: The file it stands in, as the user would name it.
        place: Where the command stands, from its first word to its last.
        launcher: `python`, `torchrun`, `accelerate`, `deepspeed`, or the word of another tool (`llamafactory-cli`).
        script: Path of the started `.py` as written; empty when there is none.
        module: Name of the started module, for `-m`; empty when there is none.
        processes: Number of processes; `None` when the command does not say it.
        options: Options of the program, `-` as `_`, flags as `true`, several values joined with commas.
        launcher_options: Options of the launcher, in the same form.
        environment: Variables that are exported before the command or set on its line.
    """

    name: str
    place: Place
    launcher: str = "python"
    script: str = ""
    module: str = ""
    processes: int | None = None
    options: Located = field(default_factory=dict)
    launcher_options: Located = field(default_factory=dict)
    environment: Located = field(default_factory=dict)


def is_launch_script(path: Path) -> bool:
    """Whether a file is a shell script or a make file, by its name, or without an ending by its first line."""
    if path.suffix.lower() in SUFFIXES or path.name.lower() in MAKE_FILES:
        return True
    if path.suffix:
        return False
    try:
        with path.open("rb") as handle:
            return _SHEBANG.match(handle.read(80)) is not None
    except OSError:
        return False


def read_launches(path: Path, name: str) -> tuple[list[Launch], list[Damage]]:
    """The commands of a shell script or make file that start Python programs.

    Args:
        path: The file.
        name: How the user would name it.

    Returns:
        The launches in their order, and what could not be read.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(MOST_BYTES + 1)
    except OSError as error:
        return [], [Damage(f"cannot be read: {error.strerror or error}", Source(name))]
    if len(data) > MOST_BYTES:
        return [], [Damage(f"a script of more than {MOST_BYTES:,} bytes was not read", Source(name))]
    damage: list[Damage] = []
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        text = data.decode("latin-1")
        says = "bytes are not `utf-8`, read as Latin-1"
        damage.append(Damage(says, Source(name, data.count(b"\n", 0, error.start) + 1)))
    text = plain_lines(text)
    if path.name.lower() in MAKE_FILES:
        text = _as_shell(text)
    return launches_in(text, name, lambda *span: Place(name, *span)), damage


def launches_of_notebook(file: SourceFile) -> list[Launch]:
    """The commands in a notebook's `!` lines and shell cells that start Python programs.

    Args:
        file: The notebook; any other file has no such lines.
    """
    found: list[Launch] = []
    environment: dict[str, tuple[str, Place]] = {}
    for text, first in file.shell_lines:
        start = file.lines_to_place(first, 1, first, 1)
        before = max(file.line_text(start.line, start.cell).find(text.partition("\n")[0]), 0)

        def place(
            line: int, column: int, end_line: int, end_column: int, first: int = first, before: int = before
        ) -> Place:
            shift, end_shift = before * (line == 1), before * (end_line == 1)
            span = line + first - 1, column + shift, end_line + first - 1, end_column + end_shift
            return file.lines_to_place(*span)

        found += launches_in(text, file.name, place, environment)
    return found


def launches_in(
    text: str,
    name: str,
    place: Callable[[int, int, int, int], Place],
    environment: dict[str, tuple[str, Place]] | None = None,
) -> list[Launch]:
    """The commands of a text that start Python programs.

    Args:
        text: Command lines; variables that they assign are filled in.
        name: The file they stand in, as the user would name it.
        place: Makes a place of first line and column, last line and column within `text`.
        environment: Variables that were exported before; those that this text exports are added.
    """
    exported = {} if environment is None else environment
    variables = {variable: value for variable, (value, _) in exported.items()}

    def located(word: Word) -> Place:
        return place(word.line, word.column, word.line, word.end_column)

    found: list[Launch] = []
    for written in commands_of(text):
        words = _without_keywords(written)
        assigned, rest = take_assignments(words, variables)
        here = {each.name: (each.value, located(each.word)) for each in assigned}
        is_export = words[0].text == "export" if words else False
        if is_export or not rest:
            exported.update({key: value for key, value in here.items() if is_export or key in exported})
            exported.update(
                {word.text: (variables[word.text], located(word)) for word in rest if word.text in variables}
            )
            continue
        begun = started(_without_shell(expanded(rest, variables)))
        if begun is not None:
            span = place(words[0].line, words[0].column, words[-1].line, words[-1].end_column)
            found.append(_launch(begun, name, span, located, {**exported, **here}))
    return found


def _launch(begun: Started, name: str, span: Place, located: Callable[[Word], Place], environment: Located) -> Launch:
    def options(words: Iterable[Word], *, ends_at_script: bool) -> Located:
        listed = options_of(list(words), ends_at_script=ends_at_script)
        return {option.name.replace("-", "_"): (option.value, located(option.word)) for option in listed}

    around = options(begun.around, ends_at_script=True)
    own = options(begun.launcher_words, ends_at_script=True)
    return Launch(
        name=name,
        place=span,
        launcher=begun.launcher,
        script=begun.script,
        module=begun.module,
        processes=processes_of(begun.launcher, _values(own), _values(around), _values(environment)),
        options=options(begun.program_words, ends_at_script=False),
        launcher_options=own,
        environment=environment,
    )


def _values(located: Located) -> dict[str, str]:
    return {key: value for key, (value, _) in located.items()}


def _without_keywords(words: list[Word]) -> list[Word]:
    first = next((at for at, word in enumerate(words) if word.text not in _KEYWORDS), len(words))
    return words[first:]


def _without_shell(words: list[Word]) -> list[Word]:
    """`bash -c "python train.py"` as the words of the inner command."""
    for at, word in enumerate(words[:-2]):
        if word.text.rpartition("/")[2] in {"bash", "sh"} and re.fullmatch(r"-[a-z]*c", words[at + 1].text):
            inner = words[at + 2]
            return [*words[:at], *(inner._replace(text=piece) for piece in inner.text.split()), *words[at + 3 :]]
    return words


def _as_shell(text: str) -> str:
    """A make file as a shell would be given it; lines and columns of commands stay."""
    lines = []
    for line in text.split("\n"):
        assignment = None if line.startswith("\t") else _MAKE_ASSIGNMENT.fullmatch(line)
        if assignment is not None:
            lines.append(f"{assignment[1]}='{assignment[2].strip()}'")
            continue
        filled = re.sub(r"\$\((\w+)\)", r"${\1}", line.replace("$$", " $"))
        lines.append(re.sub(r"^\t[@\-+ ]*", lambda found: " " * len(found[0]), filled))
    return "\n".join(lines)
