"""Why, as Markdown: causes with what speaks for and against them, what is ruled out, and what would settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.report import cause_wording
from trainclinic.report.evidence_lines import evidence_lines
from trainclinic.report.markdown_text import at, code, fenced, table, text

if TYPE_CHECKING:
    from trainclinic.report.cause_entries import CauseEntry, NextTestEntry
    from trainclinic.report.evidence_lines import EvidenceLine
    from trainclinic.report.model import Document

FOR, AGAINST = 5, 4
"""Verdicts shown per cause and side; the HTML report has more."""
BAR = 20


def causes(document: Document, sharp: str) -> list[str]:
    """The sections that say why; one quiet line for a run with nothing wrong.

    Args:
        document: The report.
        sharp: The sign of the level above.
    """
    kind = cause_wording.reading(document)
    if kind is None:
        return []
    if kind == "quiet":
        return [text(cause_wording.lead(document))]
    rows = [
        [f"{code(cause_wording.bar(c.probability, BAR))} {cause_wording.share(c.probability)}", _title(c)]
        for c in cause_wording.shown(document)
    ]
    blocks = [f"{sharp}# {cause_wording.heading(document)}", text(cause_wording.lead(document))]
    blocks.append(table(["probability", "cause"], rows))
    for cause in cause_wording.told(document):
        blocks += _cause(cause, sharp)
    if document.ruled_out:
        lines = [
            f"- **{text(e.title)}**: {text(e.because)}{at(e.path, e.line)}"
            for e in document.ruled_out[: cause_wording.RULED_OUT]
        ]
        blocks += [f"{sharp}# Ruled out", "\n".join(lines)]
    if document.next_tests:
        blocks.append(f"{sharp}# What would settle it")
        for number, test in enumerate(document.next_tests, start=1):
            blocks += _test(test, number)
    return blocks


def _title(cause: CauseEntry) -> str:
    name = text(cause_wording.title(cause))
    return f"**{name}** {code(cause.slug)}" if cause.is_fault else name


def _cause(cause: CauseEntry, sharp: str) -> list[str]:
    lines = [f"- ➕ **{line.strength}**: {_evidence(line)}" for line in evidence_lines(cause.evidence_for)[:FOR]]
    against = evidence_lines(cause.evidence_against)[:AGAINST]
    lines += [f"- ➖ **{line.strength}**: {_evidence(line)}" for line in against]
    blocks = [f"{sharp}## {text(cause.title)}, {cause_wording.share(cause.probability)}", text(cause.says)]
    blocks.append("\n".join(lines))
    if cause.decided_by:
        blocks.append(f"**Decided by:** {text(cause.decided_by)}")
    if cause.false_diagnosis:
        blocks.append(f"**Usually said instead:** {text(cause.false_diagnosis)}")
    return blocks


def _evidence(line: EvidenceLine) -> str:
    why = f": {line.why}" if line.why else ""
    return f"{text(line.says)}{at(line.path, line.line, line.key)}{text(why)}"


def _test(test: NextTestEntry, number: int) -> list[str]:
    how = fenced(test.how) if test.kind == "run" else f"{text(test.how)}."
    points = "\n".join(f"- {text(line)}" for line in cause_wording.points(test))
    return [f"**{number}. {text(test.title)}** ({test.cost})", how, *filter(None, [points])]
