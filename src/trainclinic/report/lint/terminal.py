"""Alarms for a terminal: the code with what is meant underlined, and the way of a value station by station."""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.report.lint import wording

if TYPE_CHECKING:
    from trainclinic.report.lint.model import AlarmEntry, CodeLine, Excerpt, LintReport

STYLES = {"harmful": "1;31", "warning": "33", "note": "36", "bold": "1", "dim": "2", "help": "32"}
"""Parameters of the escape sequence "select graphic rendition"."""
INDENT = "  "
TAB = 4
NARROWEST = 40
LEAD = 16
"""Columns kept before what is meant where a line has to be cut."""


@dataclass(frozen=True, slots=True)
class _Paint:
    """Puts colour around a text, or leaves it alone."""

    on: bool

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.on and text else text


def to_terminal(report: LintReport, *, color: bool = False, width: int = 80, statistics: bool = False) -> str:
    """All alarms, then troubles, then one line of numbers.

    Args:
        report: The document, cleaned.
        color: Whether to use colour; it adds nothing that the words do not say.
        width: Columns.
        statistics: Whether to show how often each rule found something instead of each alarm.
    """
    paint, width = _Paint(color), max(NARROWEST, width)
    blocks = [_statistics(report, paint)] if statistics else [_alarm(one, paint, width) for one in report.alarms]
    if report.troubles:
        blocks.append([line for trouble in report.troubles for line in _wrapped(f"trouble: {trouble}", "", width)])
    closing = [paint(line, "bold") for line in _wrapped(wording.summary(report), "", width)]
    if report.alarms:
        closing.append(paint("What a rule means, and how to check it by hand: trainclinic explain CODE", "dim"))
    blocks.append(closing)
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _statistics(report: LintReport, paint: _Paint) -> list[str]:
    rows = wording.statistics(report)
    wide = max((len(slug) for _, _, slug, _ in rows), default=0)
    return [f"{number:>5}  {paint(code, 'bold')}  {slug:<{wide}}  {severity}" for number, code, slug, severity in rows]


def _alarm(alarm: AlarmEntry, paint: _Paint, width: int) -> list[str]:
    place = " ".join(str(alarm.place).split())
    grade = paint(f"({alarm.certainty}, {alarm.severity})", alarm.severity)
    lines = [f"{paint(place, 'bold')} {paint(alarm.code, alarm.severity)} {alarm.slug} {grade}"]
    lines += _wrapped(alarm.says, INDENT, width)
    if alarm.when:
        lines += _wrapped(f"when {alarm.when}", INDENT, width)
    if alarm.flow:
        for number, step in enumerate(alarm.flow, start=1):
            head = f"{number} "
            lines += _wrapped(f"{head}{step.says}", INDENT, width, hang=len(head))
            where = " ".join(str(step.excerpt.place).split())
            lines += [f"{INDENT}{' ' * len(head)}{paint(f'--> {where}', 'dim')}"]
            lines += _frame(step.excerpt, alarm.severity, paint, width)
    else:
        lines += _frame(alarm.excerpt, alarm.severity, paint, width)
    if alarm.fix:
        first, *others = _wrapped(f"help: {wording.help_text(alarm.fix)}", INDENT, width, hang=6)
        lines += [first.replace("help:", paint("help:", "help"), 1), *others]
    if alarm.causes:
        lines += _wrapped(f"in a run: {', '.join(alarm.causes)}", INDENT, width, hang=10)
    return lines


def _wrapped(text: str, indent: str, width: int, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent + " " * hang, break_on_hyphens=False
    )


def _frame(excerpt: Excerpt, severity: str, paint: _Paint, width: int) -> list[str]:
    """Numbered lines; one line is underlined, several are marked beside their numbers."""
    if not excerpt.lines:
        return []
    digits = max(len(str(excerpt.lines[-1].number)), 3)
    several = len(excerpt.lines) > 1 or excerpt.left_out > 0
    margin = f"{INDENT}{' ' * digits}"
    lines = []
    for line in excerpt.lines:
        code, marks = fitted(line, width - len(margin) - 3)
        bar = paint(">", severity) if several else paint("|", "dim")
        lines.append(f"{INDENT}{paint(f'{line.number:>{digits}}', 'dim')} {bar} {code}".rstrip())
        if marks and not several:
            lines.append(f"{margin} {paint('|', 'dim')} {paint(marks, severity)}")
    if excerpt.left_out:
        lines.append(f"{margin}   ... {excerpt.left_out} more")
    return lines


def fitted(line: CodeLine, columns: int) -> tuple[str, str]:
    """A line of code in some columns, and the marks that stand under what is meant; empty when nothing is.

    Args:
        line: The line.
        columns: Columns that it may take; what does not fit is cut, and `…` says so.
    """
    cells = [" " * TAB if char == "\t" else " " if char == "\n" else char for char in line.text]
    widths = [TAB if char == "\t" else _columns(char) for char in line.text]
    first, end = max(line.first - 1, 0), max(line.end - 1, 0)
    start, stop = _window(widths, first, end, columns)
    before, after = "…" if start else "", "…" if stop < len(cells) else ""
    lead = " " * (len(before) + sum(widths[start:first]))
    marks = lead + "^" * sum(widths[max(first, start) : min(end, stop)]) if line.end > line.first else ""
    return f"{before}{''.join(cells[start:stop])}{after}", marks if marks.strip() else ""


def _window(widths: list[int], first: int, end: int, columns: int) -> tuple[int, int]:
    """Which characters to show: from the beginning if the end of what is meant fits, else from shortly before it."""
    if sum(widths) <= columns:
        return 0, len(widths)
    room = columns - 2
    start = 0
    if sum(widths[:end]) > room:
        start = first
        while start > 0 and sum(widths[start - 1 : first]) <= LEAD:
            start -= 1
    stop, used = start, 0
    while stop < len(widths) and used + widths[stop] <= room:
        used += widths[stop]
        stop += 1
    return start, stop


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
