"""Sentences that more than one format says about scripts."""

from __future__ import annotations

from collections import Counter

from trainclinic.catalogue.wording import count
from trainclinic.report.lint.model import AlarmEntry, Fix, LintReport
from trainclinic.script.places import Place

SEVERITIES = ("harmful", "warning", "note")
CERTAINTIES = ("proof", "likely", "hint")
OPTIONS = {"safe": "--fix", "unsafe": "--fix --unsafe-fixes"}


def numbers(report: LintReport) -> dict[str, int]:
    """Alarms by severity, and hints apart: they are no reason to fail a check, whatever they are about."""
    found = Counter("hint" if alarm.certainty == "hint" else alarm.severity for alarm in report.alarms)
    return {grade: found[grade] for grade in (*SEVERITIES, "hint")}


def level(alarm: AlarmEntry) -> str:
    """The severity that other tools should show: a hint is no more than a note."""
    return "note" if alarm.certainty == "hint" else alarm.severity


def summary(report: LintReport) -> str:
    """`3 harmful, 1 warning in 12 files; 2 can be fixed with --fix`."""
    parts = [_amount(number, grade) for grade, number in numbers(report).items() if number]
    text = f"{', '.join(parts) or 'nothing found'} in {count(len(report.files), 'file')}"
    fixes = Counter(alarm.fix.safety for alarm in report.alarms if alarm.fix and alarm.fix.is_automatic)
    more = [f"{fixes[safety]} can be fixed with {option}" for safety, option in OPTIONS.items() if fixes[safety]]
    if report.suppressed:
        more.append(f"{report.suppressed} suppressed")
    if report.hidden:
        more.append(f"{report.hidden} less certain not shown (--certainty hint)")
    if report.troubles:
        more.append(count(len(report.troubles), "trouble"))
    return "; ".join([text, *more])


def _amount(number: int, severity: str) -> str:
    return f"{number} {severity}" if severity == "harmful" else count(number, severity)


def help_text(fix: Fix) -> str:
    """What to change, and whether the tool can do it."""
    return f"{fix.says} ({OPTIONS[fix.safety]})" if fix.is_automatic else fix.says


def gravest_first(alarms: tuple[AlarmEntry, ...]) -> list[AlarmEntry]:
    """Harmful before mild, certain before uncertain, otherwise as they were."""
    return sorted(alarms, key=lambda one: (SEVERITIES.index(level(one)), CERTAINTIES.index(one.certainty)))


def in_cell(place: Place, text: str) -> str:
    """A text, with the place in a notebook before it: code hosts know no lines of a cell."""
    return f"[cell {place.cell}, line {place.line}] {text}" if place.cell else text


def statistics(report: LintReport) -> list[tuple[int, str, str, str]]:
    """How often each rule found something: number, code, slug and severity, the most frequent first."""
    found = Counter((alarm.code, alarm.slug, alarm.severity) for alarm in report.alarms)
    return [(number, *rule) for rule, number in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
