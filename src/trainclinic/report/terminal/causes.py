"""Why: causes as bars with what speaks for and against them, what is ruled out, and what would settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trainclinic.report import cause_wording, wording
from trainclinic.report.terminal.blocks import labelled, prose, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from trainclinic.report.cause_entries import CauseEntry, CauseEvidence, NextTestEntry
    from trainclinic.report.model import Document

FOR, AGAINST = 5, 3
"""Verdicts shown per cause and side; the HTML report has more."""
RULED_OUT = 8
BAR = (10, 24)
"""Narrowest and widest bar."""


def causes(document: Document, width: int) -> list[RenderableType]:
    """The sections that say why; one quiet line for a run with nothing wrong."""
    kind = cause_wording.reading(document)
    if kind is None:
        return []
    if kind == "quiet":
        return [Text(), Text(cause_wording.lead(document), style="green")]
    parts = title(cause_wording.heading(document))
    if lead := cause_wording.lead(document):
        parts += [prose(lead), Text()]
    parts.append(_bars(cause_wording.shown(document), width))
    for cause in cause_wording.told(document):
        parts += [Text(), *_cause(cause)]
    if document.ruled_out:
        rows = [
            (entry.title, f"{entry.because}{_at(entry.path, entry.line)}") for entry in document.ruled_out[:RULED_OUT]
        ]
        parts += [*title("Ruled out"), labelled(rows, label=28)]
    if document.next_tests:
        parts += title("What would settle it")
        for number, test in enumerate(document.next_tests, start=1):
            parts += _test(test, number)
    return parts


def causes_in_short(document: Document) -> list[RenderableType]:
    """One line for the report of many runs."""
    cell = cause_wording.cell(document)
    if cause_wording.reading(document) == "undecided":
        first = cause_wording.told(document)[0]
        cell += f"; first comes {first.slug} with {cause_wording.share(first.probability)}"
    return [Text.assemble(("why: ", "dim"), cell)] if cell and document.findings else []


def _bars(shown: Sequence[CauseEntry], width: int) -> Table:
    columns = max(BAR[0], min(BAR[1], width // 4))
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=5, justify="right", no_wrap=True)
    table.add_column(width=columns, no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for cause in shown:
        bar = Text(cause_wording.bar(cause.probability, columns), style="red" if cause.is_fault else "dim")
        table.add_row(Text(cause_wording.share(cause.probability), style="bold"), bar, Text(cause_wording.title(cause)))
    return table


def _cause(cause: CauseEntry) -> list[RenderableType]:
    parts: list[RenderableType] = [Text.assemble((cause.title, "bold"), (f"  {cause.slug}", "dim"))]
    if cause.says:
        parts.append(Padding(prose(cause.says), (0, 0, 0, 2)))
    rows = [(f"+ {e.strength}", _evidence(e)) for e in cause.evidence_for[:FOR]]
    rows += [(f"- {e.strength}", _evidence(e)) for e in cause.evidence_against[:AGAINST]]
    rows += [("decided by", cause.decided_by)] if cause.decided_by else []
    rows += [("usually said", cause.false_diagnosis)] if cause.false_diagnosis else []
    if rows:
        parts.append(labelled(rows, label=12))
    return parts


def _evidence(evidence: CauseEvidence) -> str:
    where = _at(evidence.path, evidence.line, evidence.key)
    return f"{cause_wording.seen(evidence, brief=True)}{where}{cause_wording.why(evidence)}"


def _at(path: str | None, line: int | None, key: str = "") -> str:
    where = wording.place(path, line, key)
    return f" [{where}]" if where else ""


def _test(test: NextTestEntry, number: int) -> list[RenderableType]:
    parts: list[RenderableType] = [Text()] if number > 1 else []
    parts.append(Text.assemble((f"{number} ", "bold"), (f"[{test.cost}] ", "dim"), prose(test.title)))
    # Code is not wrapped at words: what is copied must run.
    how = Text(test.how, style="cyan", overflow="fold") if test.kind == "run" else prose(test.how)
    parts.append(Padding(how, (0, 0, 0, 4)))
    if test.decides:
        parts.append(Padding(Text(f"decides: {'; '.join(test.decides)}", style="dim"), (0, 0, 0, 4)))
    return parts
