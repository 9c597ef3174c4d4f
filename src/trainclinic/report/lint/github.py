"""Alarms as workflow commands, which GitHub shows beside the code of a pull request.

GitHub shows a limited number of them, so that the gravest come first. A notebook has no lines that it could jump to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.report.lint import wording
from trainclinic.report.lint.compose import below

if TYPE_CHECKING:
    from trainclinic.report.lint.model import AlarmEntry, LintReport, Trouble

COMMANDS = {"harmful": "error", "warning": "warning", "note": "notice"}
_IN_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def to_github(report: LintReport) -> str:
    """One command a line, the gravest alarm first; empty when there is nothing to say."""
    lines = [_alarm(alarm, report.root) for alarm in wording.gravest_first(report.alarms)]
    lines += [_trouble(trouble, report.root) for trouble in report.troubles]
    return "".join(f"{line}\n" for line in lines)


def _alarm(alarm: AlarmEntry, root: str) -> str:
    place = alarm.place
    properties = {"file": below(place.path, root)}
    if not place.cell:
        properties |= {"line": str(place.line), "endLine": str(place.end_line)}
        if place.line == place.end_line:
            properties |= {"col": str(place.column), "endColumn": str(place.end_column)}
    properties["title"] = f"{alarm.code} {alarm.slug}"
    says = wording.in_cell(place, alarm.sentence)
    if alarm.fix:
        says += f"\nhelp: {wording.help_text(alarm.fix)}"
    return _command(COMMANDS[wording.level(alarm)], properties, says)


def _trouble(trouble: Trouble, root: str) -> str:
    properties = {"file": below(trouble.path, root)} if trouble.path else {}
    if trouble.line:
        properties["line"] = str(trouble.line)
    return _command("warning", {**properties, "title": "trainclinic lint"}, trouble.says)


def _command(name: str, properties: dict[str, str], says: str) -> str:
    listed = ",".join(f"{key}={value.translate(_IN_PROPERTY)}" for key, value in properties.items())
    return f"::{name} {listed}::{says.translate(_IN_MESSAGE)}"
