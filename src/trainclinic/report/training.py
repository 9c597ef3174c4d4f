"""A fine-tune in words for a terminal: its plan, its checks, what came of it. It does not know how they were made."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity
from trainclinic.catalogue.wording import number, words

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding

MARKS = {Severity.HARMFUL: "FAILED", Severity.WARNING: "warn", Severity.NOTE: "note"}
_COLOURS = {"FAILED": "1;31", "warn": "33", "note": "36", "ok": "32"}
INDENT = 10
SHOWN = 4
"""Pieces of evidence that a check shows."""


def choices(chosen: Iterable[tuple[str, object, str]], *, width: int = 80) -> str:
    """What the recipe left open: key, value, reason.

    Args:
        chosen: Key, value and reason of each choice.
        width: Columns.
    """
    rows = [(key, _value(value), why) for key, value, why in chosen]
    if not rows:
        return ""
    wide, broad = max(len(key) for key, _, _ in rows), min(24, max(len(value) for _, value, _ in rows))
    lines = ["Chosen, because the recipe leaves it open:"]
    for key, value, why in rows:
        head = f"  {key:<{wide}}  {value:<{broad}}  "
        lines += textwrap.wrap(why, max(width, len(head) + 24), initial_indent=head, subsequent_indent=" " * len(head))
    return "\n".join(lines) + "\n"


def checks(findings: Sequence[Finding], *, all_of_them: bool = False, color: bool = False, width: int = 80) -> str:
    """Checks before training, one a line; those that show nothing are counted unless all are asked for.

    Args:
        findings: What every check answered.
        all_of_them: Whether to list those that show nothing as well.
        color: Whether to use colour; the words say the same.
        width: Columns.
    """
    lines: list[str] = []
    quiet = 0
    for finding in findings:
        if isinstance(finding.verdict, Present) or all_of_them:
            lines += _check(finding, color=color, width=width)
        else:
            quiet += 1
    if quiet:
        lines.append(f"{_mark('ok', color=color)}{quiet} checks found nothing")
    return "\n".join(lines) + "\n" if lines else ""


def outcome(facts: Mapping[str, object]) -> str:
    """Labelled lines.

    Args:
        facts: Labels and what to say; `None` is left out.
    """
    told = [(label, _value(value)) for label, value in facts.items() if value is not None]
    wide = max((len(label) for label, _ in told), default=0)
    return "".join(f"{label:<{wide}}  {value}\n" for label, value in told)


def _check(finding: Finding, *, color: bool, width: int) -> list[str]:
    rule, verdict = finding.entry.rule, finding.verdict
    title = f"{words(rule.slug)} ({rule.code})"
    if isinstance(verdict, NotEvaluated):
        return _wrapped(f"{'-':<{INDENT}}", f"{title}: needs {verdict.missing}", width)
    if isinstance(verdict, Absent):
        seen = f": {verdict.evidence[0].says}" if verdict.evidence else ""
        return _wrapped(_mark("ok", color=color), f"no {title}{seen}", width)
    mark = MARKS[finding.severity]
    lines = _wrapped(_mark(mark, color=color), title, width)
    for one in verdict.evidence[:SHOWN]:
        place = f" ({one.source})" if one.source is not None else ""
        lines += _wrapped(" " * INDENT, f"{one.says}{place}", width)
    if verdict.means:
        lines += _wrapped(" " * INDENT, f"-> {verdict.means}", width)
    if finding.severity is Severity.HARMFUL:
        lines.append(" " * INDENT + f"more: trainclinic explain {rule.code}")
    return lines


def _wrapped(head: str, text: str, width: int) -> list[str]:
    plain = " " * INDENT
    found = textwrap.wrap(text, max(40, width - INDENT), break_long_words=False, break_on_hyphens=False) or [""]
    return [head + found[0], *(plain + line for line in found[1:])]


def _mark(word: str, *, color: bool) -> str:
    shown = f"{word:<{INDENT}}"
    return f"\x1b[{_COLOURS[word]}m{shown}\x1b[0m" if color else shown


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return str(value) if value != "" else '""'
