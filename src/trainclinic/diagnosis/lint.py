"""The conductor of a look at scripts: read, follow the values, ask the rules, leave out what the user silenced.

It knows the order of the work. It does not know any rule, and it does not apply any fix.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.catalogue.verdict import Severity
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source
from trainclinic.script.alarm import Certainty
from trainclinic.script.examine import Found, all_rules, examine
from trainclinic.script.preferences import Preferences

if TYPE_CHECKING:
    from trainclinic.catalogue.load import Entry
    from trainclinic.report.lint.model import LintReport
    from trainclinic.script.places import Place
    from trainclinic.script.program.program import Program
    from trainclinic.script.sources.project import Project
    from trainclinic.script.sources.source import SourceFile

ALARMING, COULD_NOT = 1, 2
"""Exit codes; 0 says that nothing as severe as asked for was found."""
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S)

ScriptPath = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Lint:
    """What was found in some scripts.

    Attributes:
        project: The scripts.
        alarms: What to show, in order of file and line.
        rules: Every rule that was asked.
        suppressed: How many alarms a comment or a setting silences.
        hidden: How many alarms are less certain than asked for.
        troubles: What could not be read or examined; the source names no file where a rule broke off.
        preferences: What the user wanted to be told.
    """

    project: Project
    alarms: tuple[Found, ...]
    rules: tuple[Entry[Program], ...]
    suppressed: int
    hidden: int
    troubles: tuple[Damage, ...]
    preferences: Preferences

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that were looked at, as the user would name them."""
        return tuple(file.name for file in self.project.files)

    @property
    def rules_run(self) -> tuple[str, ...]:
        """Codes of the rules that were asked."""
        return tuple(entry.rule.code for entry in self.rules)

    @property
    def is_blind(self) -> bool:
        """Whether nothing at all could be parsed."""
        return not any(file.tree is not None for file in self.project.files) and not self.project.launches

    def exit_code(self, fail_on: Severity = Severity.HARMFUL) -> int:
        """0 when nothing is as severe as `fail_on`, 1 otherwise, 2 when nothing could be parsed; hints never fail."""
        if self.is_blind:
            return COULD_NOT
        grave = (one.severity >= fail_on and one.alarm.certainty > Certainty.HINT for one in self.alarms)
        return ALARMING if any(grave) else 0

    def report(self, *, with_changes: bool = False) -> LintReport:
        """The document on these scripts; secrets in quoted code are masked.

        Args:
            with_changes: Whether to say what each fix changes; this takes a parser that is slow, and `libcst`.
        """
        from trainclinic.readers.redact import redact
        from trainclinic.report.lint.compose import compose
        from trainclinic.script.replacements import replacements_of

        texts = {file.name: file.text for file in self.project.files} if with_changes else {}
        composed = compose(
            [(one.entry, one.alarm) for one in self.alarms],
            self.rules,
            lines_of=_Lines(self.project),
            mask=redact,
            changes_of=lambda mending: replacements_of(mending, texts),
            root=_root(self.project),
            troubles=self.troubles,
        )
        return replace(
            composed, files=self.files, suppressed=self.suppressed, hidden=self.hidden, is_blind=self.is_blind
        )

    def render(self, form: str = "terminal", *, color: bool = False, width: int = 80, statistics: bool = False) -> str:
        """The report as text.

        Args:
            form: `terminal`, `json`, `sarif`, `github`, `gitlab` or `md`.
            color: Whether the terminal form may use colour.
            width: Columns of the terminal form.
            statistics: Whether to count alarms by rule instead of showing them.

        Raises:
            ValueError: If `form` is none of these.
        """
        from trainclinic.report.lint.render import render

        report = self.report(with_changes=form == "sarif")
        return render(report, form, color=color, width=width, statistics=statistics)


def lint(
    paths: Sequence[ScriptPath],
    preferences: Preferences | None = None,
    *,
    rules: Mapping[str, Entry[Any]] | None = None,
    strict: bool = False,
) -> Lint:
    """Look for mistakes in training scripts without running them.

    Args:
        paths: Scripts, notebooks, launch scripts, or folders of them.
        preferences: What to look for and to show; by default every rule, and what is at least likely.
        rules: Rules by code; those of the catalogue by default.
        strict: Let the exception of a rule through instead of counting it as a trouble.

    Raises:
        ReadError: If there is no script at any of the paths.
    """
    from trainclinic.script.program.program import build_program
    from trainclinic.script.sources.project import read_project

    wanted = preferences or Preferences()
    project = _with_preferences(read_project(paths, exclude=wanted.exclude), wanted)
    asked = tuple(entry for entry in (rules or all_rules()).values() if wanted.asks(entry))
    examined = examine(build_program(project), asked, strict=strict)
    files = {file.name: file for file in project.files}
    heard = [one for one in examined.alarms if not is_silenced(one, files, wanted)]
    shown = tuple(one for one in heard if one.alarm.certainty >= wanted.certainty)
    return Lint(
        project=project,
        alarms=shown,
        rules=asked,
        suppressed=len(examined.alarms) - len(heard),
        hidden=len(heard) - len(shown),
        troubles=(*_troubles(project, rules or all_rules()), *examined.troubles),
        preferences=wanted,
    )


def is_silenced(found: Found, files: Mapping[str, SourceFile], preferences: Preferences) -> bool:
    """Whether a comment at the place of an alarm, or a setting for its file, silences it."""
    place, rule = found.alarm.place, found.rule
    if preferences.is_silent_in(place.path, found.entry):
        return True
    file = files.get(place.path)
    return file is not None and file.suppressed.covers(rule.code, rule.slug, *file.text_line(place))


def _troubles(project: Project, rules: Mapping[str, Entry[Any]]) -> list[Damage]:
    """What could not be read, and comments that silence a rule that there is not."""
    troubles = [*project.damage]
    names = {name for entry in rules.values() for name in (entry.rule.code.lower(), entry.rule.slug)}
    for file in project.files:
        troubles += file.trouble
        troubles += [
            Damage(f"`{name}` in a comment that silences it is no code or slug of a rule", Source(file.name, line))
            for name, line in file.suppressed.named
            if name.lower() not in names
        ]
    return troubles


def _root(project: Project) -> str:
    """The folder that names of files count from: nearly always the working folder."""
    for file in project.files:
        whole = Path(os.path.abspath(file.path)).as_posix()  # noqa: PTH100 - a link keeps the name it was found by
        if whole.endswith(f"/{file.name}"):
            return whole.removesuffix(f"/{file.name}")
    return Path.cwd().as_posix()


def _with_preferences(project: Project, preferences: Preferences) -> Project:
    """The project with the versions that the settings name instead of those that its requirements pin."""
    source = Source("pyproject.toml", key="versions")
    stated = {name: (version, source) for name, version in preferences.versions.items()}
    return replace(project, versions={**project.versions, **stated}) if stated else project


class _Lines:
    """The lines of a place; those of a private key that is written over several lines are left out."""

    def __init__(self, project: Project) -> None:
        self._files = {file.name: file for file in project.files}
        self._root = _root(project)
        self._texts: dict[str, str] = {}
        self._keys: dict[str, frozenset[str]] = {}

    def __call__(self, place: Place) -> list[str]:
        file = self._files.get(place.path)
        numbers = range(place.line, place.end_line + 1)
        if file is not None:
            lines = [file.line_text(number, place.cell) for number in numbers]
        else:
            lines = self._text(place.path).split("\n")[place.line - 1 : place.end_line]
        keys = self._key_lines(place.path)
        return ["[redacted]" if line.strip() in keys else line for line in lines]

    def _text(self, name: str) -> str:
        """The code of a file; a launch script is read once more, because the project keeps its commands alone."""
        if name in self._files:
            return self._files[name].text
        if name not in self._texts:
            try:
                self._texts[name] = Path(self._root, name).read_text(encoding="utf-8", errors="replace")
            except OSError:
                self._texts[name] = ""
        return self._texts[name]

    def _key_lines(self, name: str) -> frozenset[str]:
        if name not in self._keys:
            text = self._text(name)
            blocks = _KEY_BLOCK.findall(text) if "PRIVATE KEY-----" in text else []
            self._keys[name] = frozenset(line.strip() for block in blocks for line in block.split("\n")) - {""}
        return self._keys[name]
