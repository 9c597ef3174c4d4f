"""Why: causes as bars with what speaks for and against them, what is ruled out, and what would settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trainclinic.report import cause_wording, wording
from trainclinic.report.evidence_lines import evidence_lines
from trainclinic.report.terminal.blocks import labelled, prose, title
from trainclinic.report.terminal.code_lines import code_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from trainclinic.report.cause_entries import CauseEntry, NextTestEntry
    from trainclinic.report.evidence_lines import EvidenceLine
    from trainclinic.report.model import Document

FOR, AGAINST = 5, 3
"""Verdicts shown per cause and side; the HTML report has more."""
TEST_INDENT = 4
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
            (entry.title, f"{entry.because}{_at(entry.path, entry.line)}")
            for entry in document.ruled_out[: cause_wording.RULED_OUT]
        ]
        parts += [*title("Ruled out"), labelled(rows, label=28)]
    if document.next_tests:
        parts += title("What would settle it")
        for number, test in enumerate(document.next_tests, start=1):
            parts += _test(test, number, width)
    return parts


def causes_in_short(document: Document) -> list[RenderableType]:
    """One line for the report of many runs."""
    cell = cause_wording.cell(document)
    if cause_wording.reading(document) == "undecided":
        first = cause_wording.told(document)[0]
        cell += f"; first comes {first.slug} with {cause_wording.share(first.probability)}"
    return [Text.assemble(("why: ", "dim"), cell)] if cell and document.told else []


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
    rows = [(f"+ {line.strength}", _evidence(line)) for line in evidence_lines(cause.evidence_for)[:FOR]]
    rows += [(f"- {line.strength}", _evidence(line)) for line in evidence_lines(cause.evidence_against)[:AGAINST]]
    rows += [("decided by", cause.decided_by)] if cause.decided_by else []
    rows += [("usually said", cause.false_diagnosis)] if cause.false_diagnosis else []
    if rows:
        parts.append(labelled(rows, label=12))
    return parts


def _evidence(line: EvidenceLine) -> str:
    return f"{line.says}{_at(line.path, line.line, line.key)}{f': {line.why}' if line.why else ''}"


def _at(path: str | None, line: int | None, key: str = "") -> str:
    where = wording.near(path, line, key)
    return f" [{where}]" if where else ""


def _test(test: NextTestEntry, number: int, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = [Text()] if number > 1 else []
    parts.append(Text.assemble((f"{number} ", "bold"), (f"[{test.cost}] ", "dim"), prose(test.title)))
    if test.kind == "run":
        code = "\n".join(code_lines(test.how, width - TEST_INDENT))
        parts.append(Padding(Text(code, style="cyan", overflow="fold"), (0, 0, 0, TEST_INDENT)))
    else:
        parts.append(Padding(prose(test.how), (0, 0, 0, TEST_INDENT)))
    parts += [Padding(Text(line, style="dim"), (0, 0, 0, TEST_INDENT)) for line in cause_wording.points(test)]
    return parts
