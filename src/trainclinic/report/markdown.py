"""The report as GitHub-flavoured Markdown: for issues, pull requests and step summaries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import count, words
from trainclinic.report import wording
from trainclinic.report.markdown_causes import causes
from trainclinic.report.markdown_fixes import fixes
from trainclinic.report.markdown_text import at, code, folded, listed, table, text

if TYPE_CHECKING:
    from trainclinic.report.model import AbsentEntry, Document, FindingEntry, NotEvaluatedEntry

SUSPECTS = 12
BADGES = {"sick": "❌ sick", "healthy": "✅ healthy", "undetermined": "❔ undetermined"}
SIGNS = {"harmful": "❌", "warning": "⚠️", "note": "ℹ️"}


def to_markdown(documents: Sequence[Document]) -> str:
    """One run in full, or a table of runs followed by each of them."""
    if len(documents) == 1:
        blocks = _run(documents[0], level=1)
    else:
        blocks = [f"# {len(documents):,} runs", _overview(documents)]
        for document in documents:
            blocks += _run(document, level=2)
    blocks.append(f"<sub>trainclinic {wording.version()}</sub>")
    return "\n\n".join(blocks) + "\n"


def _overview(documents: Sequence[Document]) -> str:
    """A line per run; without the column of causes where none were inferred."""
    rows = [[text(cell) for cell in wording.overview_cells(document)] for document in documents]
    columns = [
        index
        for index, heading in enumerate(wording.OVERVIEW)
        if heading != "most probable cause" or any(document.causes for document in documents)
    ]
    return table([wording.OVERVIEW[index] for index in columns], [[row[index] for index in columns] for row in rows])


def _run(document: Document, level: int) -> list[str]:
    sharp = "#" * level
    run = document.run
    blocks = [
        f"{sharp} {BADGES[document.verdict]}: {text(run.name)}",
        f"**{text(document.reason)}**",
        text(document.summary),
        _identity(document),
        *causes(document, sharp),
        *fixes(document, sharp),
    ]
    if document.stuck:
        blocks += [f"{sharp}# Why it is stuck where it is", " ".join(text(says) for says in document.stuck.says)]
        blocks.append(listed(document.stuck.items))
    if document.told:
        blocks.append(f"{sharp}# What this run shows")
        blocks += [finding_block(finding, number, sharp) for number, finding in enumerate(document.told, start=1)]
    blocks += _asides(document)
    for event in document.at_events:
        blocks += [f"{sharp}# At {run.axis} {event.step:,}: {text(event.title)}", listed(event.items)]
    if document.timeline:
        columns = wording.timeline_columns(document.timeline, run.axis)
        rows = [[text(cells[index]) for _, cells in columns] for index in range(len(document.timeline))]
        blocks += [f"{sharp}# Timeline", table([head for head, _ in columns], rows, numbers=len(columns) - 1)]
    blocks += _measured(document, sharp)
    blocks += _limits(document, sharp)
    return [block for block in blocks if block]


def _identity(document: Document) -> str:
    run = document.run
    steps = "" if run.last_step is None else f"{run.last_step:,}{wording.planned(run)}"
    rows = [
        ("model", text(run.model)),
        ("training", text(run.method)),
        ("device", text(run.device)),
        (f"{run.axis}s", steps),
        ("wall time", wording.scalar(run.seconds, "s") if run.seconds else ""),
        ("read from", ", ".join(code(file) for file in run.files)),
    ]
    return table(["", ""], [[name, value] for name, value in rows if value])


def finding_block(finding: FindingEntry, number: int, sharp: str) -> str:
    """One symptom: what was seen, what it means and what not, how to check and to settle it.

    Args:
        finding: The symptom.
        number: Its number in the report.
        sharp: Marks of the heading one level up.
    """
    lines = [
        f"{sharp}## {number}. {SIGNS[finding.severity]} {text(words(finding.slug))}",
        f"**{finding.severity}** · {code(finding.code)}",
        "\n".join(f"- {text(e.says)}{at(e.path, e.line, e.key)}" for e in finding.evidence),
        f"**Means:** {_page(finding.means)}",
        f"**Does not mean:** {_page(finding.does_not_mean)}",
        f"**Check it:** {_page(finding.check)}",
    ]
    if finding.settle:
        lines.append(f"**To settle it:** {_page(finding.settle)}")
    return "\n\n".join(lines)


def _asides(document: Document) -> list[str]:
    """What is only noted, a line each."""
    lines = []
    for finding in document.asides:
        first = finding.evidence[0]
        lines.append(f"- {text(words(finding.slug))}: {text(first.says)}{at(first.path, first.line, first.key)}")
    return ["**Also noted:**", "\n".join(lines)] if lines else []


def _page(paragraphs: str) -> str:
    """Paragraphs and dashed lists of a page."""
    parts = []
    for part in paragraphs.split("\n\n"):
        lead, *items = re.split(r"(?:^|\n)- ", part)
        parts.append(text(lead))
        parts.append("\n".join(f"- {text(item)}" for item in items))
    return "\n\n".join(part for part in parts if part)


def _measured(document: Document, sharp: str) -> list[str]:
    blocks: list[str] = []
    found = document.checkpoints
    if found and (found.best or found.suspect):
        entries = [("keep", found.best)] if found.best else []
        entries += [("suspect", entry) for entry in found.suspect[:SUSPECTS]]
        rows = [[word, f"{e.step:,}", code(e.path), text(e.reason)] for word, e in entries]
        blocks += [f"{sharp}# Checkpoints", table(["", document.run.axis, "path", "why"], rows)]
        if found.equally_good:
            blocks.append(f"As good as the best: {wording.steps_text(found.equally_good)}.")
    for title, section in (
        ("Learning-rate schedule", document.schedule),
        ("Training and evaluation", document.generalisation),
        ("What a healthy run of this kind looks like", document.expectation),
    ):
        if section:
            blocks += [f"{sharp}# {title}", " ".join(text(says) for says in section.says), listed(section.items)]
    if document.speed:
        blocks += [f"{sharp}# Speed and lost time", " ".join(text(says) for says in document.speed.says)]
        rows = [
            [f"{s.first_step:,}–{s.last_step:,}", text(s.kind), wording.figure(s.steps_per_second, 3),
             wording.scalar(s.lost_seconds, "s")]
            for s in document.speed.spans
        ]  # fmt: skip
        blocks.append(table([f"{document.run.axis}s", "what", "steps/s", "lost"], rows) if rows else "")
    if document.facts:
        rows = [
            [text(i.label), text(wording.item_text(i)), code(wording.place(i.path, i.line, i.key))]
            for i in document.facts
        ]
        blocks.append(folded("Configuration", table(["setting", "value", "read from"], rows)))
    return blocks


def _limits(document: Document, sharp: str) -> list[str]:
    blocks: list[str] = []
    if document.warnings:
        lines = [
            f"- {text(w.says)}{f', {w.count:,} times' if w.count > 1 else ''}{at(w.path, w.line)}"
            for w in document.warnings
        ]
        blocks += [f"{sharp}# Could not be read", "\n".join(lines)]
    return [*blocks, *limit_blocks(document.not_evaluated, document.absent)]


def limit_blocks(not_evaluated: Sequence[NotEvaluatedEntry], absent: Sequence[AbsentEntry]) -> list[str]:
    """What could not be looked at, and what was looked for and is not there, folded.

    Args:
        not_evaluated: The former.
        absent: The latter.
    """
    blocks: list[str] = []
    if not_evaluated:
        rows = [[text(words(e.slug)), code(e.code), text(e.missing)] for e in not_evaluated]
        title = f"Not looked at: {count(len(rows), 'symptom')}, and what would make them visible"
        blocks.append(folded(title, table(["symptom", "code", "needs"], rows)))
    if absent:
        rows = [[text(words(e.slug)), code(e.code), text("; ".join(o.says for o in e.evidence))] for e in absent]
        title = f"Looked for and not found: {count(len(rows), 'symptom')}"
        blocks.append(folded(title, table(["symptom", "code", "looked at"], rows)))
    return blocks
