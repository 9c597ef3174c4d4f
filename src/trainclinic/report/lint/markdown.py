"""Alarms as Markdown, for a pull request, an issue or the summary of a job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.report.lint import wording
from trainclinic.report.markdown_text import code, text

if TYPE_CHECKING:
    from trainclinic.report.lint.model import AlarmEntry, Excerpt, LintReport


def to_markdown(report: LintReport, *, statistics: bool = False) -> str:
    """The numbers, then the alarms, the gravest first, then the troubles.

    Args:
        report: The document, cleaned.
        statistics: Whether to show how often each rule found something instead of each alarm.
    """
    parts = ["# Scripts", text(wording.summary(report))]
    if statistics:
        rows = [f"| {number} | {one} | {slug} | {grade} |" for number, one, slug, grade in wording.statistics(report)]
        parts += (
            ["\n".join(["| alarms | code | rule | severity |", "| ---: | --- | --- | --- |", *rows])] if rows else []
        )
    else:
        for alarm in wording.gravest_first(report.alarms):
            parts += _alarm(alarm)
    if report.troubles:
        parts += ["## Troubles", "\n".join(f"- {text(str(trouble))}" for trouble in report.troubles)]
    return "\n\n".join(parts) + "\n"


def _alarm(alarm: AlarmEntry) -> list[str]:
    grade = f"{alarm.severity}, {alarm.certainty}"
    parts = [f"## {alarm.code} {text(alarm.slug)} ({grade})", f"{code(str(alarm.place))}: {text(alarm.sentence)}"]
    if alarm.flow:
        for number, step in enumerate(alarm.flow, start=1):
            parts += [f"**{number}.** {text(step.says)} ({code(str(step.excerpt.place))})", *_fence(step.excerpt)]
    else:
        parts += _fence(alarm.excerpt)
    if alarm.fix:
        parts.append(f"**Do:** {text(wording.help_text(alarm.fix))}")
    if alarm.causes:
        parts.append(f"**In a run:** {', '.join(code(slug) for slug in alarm.causes)}")
    return parts


def _fence(excerpt: Excerpt) -> list[str]:
    """A block of code that nothing in the code can end."""
    if not excerpt.lines:
        return []
    lines = [" ".join(line.text.splitlines()) for line in excerpt.lines]
    if excerpt.left_out:
        lines.append(f"# ... {excerpt.left_out} more")
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return ["\n".join([f"{fence}python", *lines, fence])]
