"""What the user wants to be told about scripts: `[tool.trainclinic.lint]` of a `pyproject.toml`.

It knows which rules a name stands for, and what each setting may hold. It does not know the command line, whose options
replace these settings one by one, and it looks at no script.
"""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import importlib.util
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from trainclinic.catalogue.load import Entry
from trainclinic.catalogue.verdict import Severity
from trainclinic.record.errors import TrainclinicError
from trainclinic.script.alarm import Certainty

TABLE = "[tool.trainclinic.lint]"
KEYS = ("select", "ignore", "exclude", "certainty", "fail-on", "per-file-ignores", "versions")
EVERY = "ALL"
_LETTERS = 3
_EXACT = 100
NO_TOML = "`{file}` was not read: Python 3.10 cannot read TOML by itself; `pip install tomli` lets it"

Entries = Mapping[str, Entry[Any]]


@dataclass(frozen=True, slots=True)
class Preferences:
    """What to look for and what to show. Names of rules are codes, slugs, beginnings of codes, groups, or `ALL`.

    Attributes:
        select: Rules to ask.
        ignore: Rules not to ask; between two names for a rule the more exact one decides.
        exclude: Globs of files to leave out.
        certainty: The least certain alarms to show.
        fail_on: The mildest severity that fails a check.
        per_file_ignores: Glob of files, and the rules that are silent in them.
        versions: Versions of libraries that the scripts are written for.
        folder: Folder of the `pyproject.toml`, from which its globs count.
        notes: What the user should know about how these were read, without full stop.
    """

    select: tuple[str, ...] = (EVERY,)
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    certainty: Certainty = Certainty.LIKELY
    fail_on: Severity = Severity.HARMFUL
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    notes: tuple[str, ...] = ()

    def asks(self, entry: Entry[Any]) -> bool:
        """Whether a rule is to be asked at all."""
        return _exactness(self.select, entry) > _exactness(self.ignore, entry)

    def is_silent_in(self, path: str, entry: Entry[Any]) -> bool:
        """Whether `per-file-ignores` silences a rule in a file, named as the user would name it."""
        if not self.per_file_ignores:
            return False
        names = {path, path.rpartition("/")[2], _below(self.folder, path)}
        return any(
            _exactness(ignored, entry) >= 0
            for glob, ignored in self.per_file_ignores
            if any(fnmatch.fnmatch(name, glob) for name in names)
        )


def read_preferences(paths: Sequence[str | os.PathLike[str]], rules: Entries) -> Preferences:
    """The preferences that hold for some scripts: those of the nearest `pyproject.toml` that has the table.

    Args:
        paths: Scripts and folders; the search begins at what they have in common.
        rules: Every rule by code: a name that stands for none of them is an error.

    Raises:
        TrainclinicError: If the file is no TOML, or a setting is unknown or holds something else than it should.
    """
    for folder in _upwards(paths):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        table, note = _table(file)
        if note:
            return Preferences(notes=(note,))
        if table is not None:
            return preferences_of(table, file, rules)
    return Preferences()


def preferences_of(table: Mapping[str, Any], file: Path, rules: Entries) -> Preferences:
    """The preferences that a table holds.

    Args:
        table: The content of `[tool.trainclinic.lint]`.
        file: The file it stands in.
        rules: Every rule by code.

    Raises:
        TrainclinicError: If a setting is unknown or holds something else than it should.
    """
    where = f"`{TABLE}` of `{file}`"
    for key in table:
        if key not in KEYS:
            message = f"`{key}` is no setting of {where}"
            raise TrainclinicError(message, hint=_did_you_mean(key, KEYS) or f"the settings are {', '.join(KEYS)}")
    defaults = Preferences()
    return Preferences(
        select=_rules_in(table, "select", where, rules, defaults.select),
        ignore=_rules_in(table, "ignore", where, rules, ()),
        exclude=_strings(table.get("exclude", []), "exclude", where),
        certainty=Certainty[_word(table, "certainty", where, Certainty, defaults.certainty)],
        fail_on=Severity[_word(table, "fail-on", where, Severity, defaults.fail_on)],
        per_file_ignores=tuple(
            (glob, checked_names(_strings(names, glob, where), rules, f"`{glob}` in {where}"))
            for glob, names in _mapping(table, "per-file-ignores", where).items()
        ),
        versions={name: _string(value, name, where) for name, value in _mapping(table, "versions", where).items()},
        folder=file.parent,
    )


def checked_names(names: Iterable[str], rules: Entries, where: str) -> tuple[str, ...]:
    """Names of rules, each of which stands for at least one.

    Args:
        names: Codes, slugs, beginnings of codes, groups or `ALL`.
        rules: Every rule by code.
        where: Where the names stand, for the error.

    Raises:
        TrainclinicError: If a name stands for no rule; the hint says which name is close.
    """
    kept = tuple(names)
    for name in kept:
        if name.upper() != EVERY and not any(_matches(name, entry) >= 0 for entry in rules.values()):
            message = f"`{name}` in {where} is no code, slug or group of a rule"
            groups = ", ".join(f"`{group}`" for group in sorted({entry.group for entry in rules.values()}))
            raise TrainclinicError(message, hint=_did_you_mean(name, _known(rules)) or f"the groups are {groups}")
    return kept


def _known(rules: Entries) -> list[str]:
    slugs = [entry.rule.slug for entry in rules.values()]
    groups = {entry.group for entry in rules.values()}
    return [*rules, *sorted({code[:_LETTERS] for code in rules}), *sorted(groups), *slugs]


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    by_small = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_small, n=1, cutoff=0.5)
    return f"did you mean `{by_small[close[0]]}`?" if close else ""


def _exactness(names: Iterable[str], entry: Entry[Any]) -> int:
    """How exactly the most exact of some names stands for a rule; -1 when none does."""
    return max((_matches(name, entry) for name in names), default=-1)


def _matches(name: str, entry: Entry[Any]) -> int:
    rule = entry.rule
    if name.upper() == rule.code or name.lower() == rule.slug:
        return _EXACT
    if len(name) >= _LETTERS and rule.code.startswith(name.upper()):
        return len(name)
    if name.lower().replace("-", "_") == entry.group:
        return 1
    return 0 if name.upper() == EVERY else -1


def _below(folder: Path | None, path: str) -> str:
    """A path as the globs of a `pyproject.toml` see it."""
    if folder is None:
        return path
    return Path(os.path.relpath(path, folder)).as_posix() if _same_drive(path, folder) else path


def _same_drive(path: str, folder: Path) -> bool:
    return Path(path).absolute().drive == folder.absolute().drive


def _upwards(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The folder that all paths share, and those above it."""
    found = [Path(path).absolute() for path in paths]
    try:
        shared = Path(os.path.commonpath(found)) if found else Path.cwd()
    except ValueError:  # different drives
        shared = Path.cwd()
    return [shared, *shared.parents]


def _table(file: Path) -> tuple[Mapping[str, Any] | None, str]:
    """The table of a file, `None` where it has none; and a note where this Python cannot read the file."""
    try:
        text = file.read_text(encoding="utf-8")
        toml = _toml_reader()
        if toml is None:
            return None, NO_TOML.format(file=file) if "tool.trainclinic" in text else ""
        table = toml.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        message = f"`{file}` cannot be read as TOML: {error}"
        raise TrainclinicError(message, hint="correct it, or go without it with `--no-config`") from error
    for key in ("tool", "trainclinic", "lint"):
        table = table.get(key)
        if table is None:
            return None, ""
        if not isinstance(table, dict):
            message = f"`{key}` in `{file}` is `{table!r}`, expected a table"
            raise TrainclinicError(message)
    return table, ""


def _toml_reader() -> ModuleType | None:
    name = next((name for name in ("tomllib", "tomli") if importlib.util.find_spec(name)), "")
    return importlib.import_module(name) if name else None


def _rules_in(
    table: Mapping[str, Any], key: str, where: str, rules: Entries, default: tuple[str, ...]
) -> tuple[str, ...]:
    if key not in table:
        return default
    return checked_names(_strings(table[key], key, where), rules, f"`{key}` of {where}")


def _strings(value: Any, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        message = f"`{key}` in {where} is `{value!r}`, expected a list of strings"
        raise TrainclinicError(message)
    return tuple(value)


def _string(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str):
        message = f"`{key}` in {where} is `{value!r}`, expected a string"
        raise TrainclinicError(message, hint=f'write it in quotes: `{key} = "{value}"`')
    return value


def _mapping(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        message = f"`{key}` in {where} is `{value!r}`, expected a table"
        raise TrainclinicError(message)
    return value


def _word(
    table: Mapping[str, Any],
    key: str,
    where: str,
    kind: type[Certainty] | type[Severity],
    default: Certainty | Severity,
) -> str:
    """The name in the enumeration `kind` that a setting holds."""
    value = table.get(key, default.name.lower())
    words = [name.lower() for name in kind.__members__]
    if value not in words:
        message = f"`{key}` in {where} is `{value!r}`, expected one of {', '.join(f'`{word}`' for word in words)}"
        raise TrainclinicError(message, hint=_did_you_mean(str(value), words))
    return str(value).upper()
