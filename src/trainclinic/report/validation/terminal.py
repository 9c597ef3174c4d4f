"""The document on a finished model for a terminal: the same words with and without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainclinic.catalogue.wording import number
from trainclinic.report.terminal.blocks import items, prose, title
from trainclinic.report.terminal.limits import limits, printed
from trainclinic.report.terminal.page import STYLES, finding_rows

if TYPE_CHECKING:
    from trainclinic.report.validation.model import Measure, SampleEntry, ValidationReport

VERDICTS = {"pass": STYLES["healthy"], "fail": STYLES["harmful"], "cannot tell": STYLES["warning"]}
MARKED = "reverse red"
SHOWN = 6
"""Samples on a terminal; the other formats show all."""
LONGEST = 240
"""Characters of a text that are shown."""
TAIL = 20
"""Of them, those right before a marked stretch."""


def to_terminal(report: ValidationReport, *, color: bool = False, width: int = 80) -> str:
    """The whole document.

    Args:
        report: The document, cleaned.
        color: Whether to use colour; it adds nothing that marks do not say.
        width: Columns.
    """
    return printed(_whole(report, color=color), color=color, width=width)


def _whole(report: ValidationReport, *, color: bool) -> Group:
    head = Text.assemble((f" {report.verdict.upper()} ", f"reverse {VERDICTS[report.verdict]}"), "  ")
    parts: list[RenderableType] = [head.append(report.title, style="bold"), Text(), prose(report.reason)]
    parts += [Text(f"Note: {one.says}", style="yellow") for one in report.warnings]
    if report.regressions:
        parts += [*title(f"Worse than in {report.against}"), *(prose(f"- {says}") for says in report.regressions)]
    if report.findings:
        parts += title("What this model shows")
        for at, finding in enumerate(report.findings, start=1):
            parts += [*([Text()] if at > 1 else []), *finding_rows(finding, at)]
    if report.measures:
        parts += [*title("The model in numbers"), _measures(report.measures)]
    if report.samples:
        parts += title("Answers")
        for sample in report.samples[:SHOWN]:
            parts += [_sample(sample, color=color), Text()]
        if len(report.samples) > SHOWN:
            parts.append(Text(f"and {len(report.samples) - SHOWN} more (-o report.html shows them)", style="dim"))
    parts += [
        *title("How it was tested"),
        items(report.settings),
        *limits(report.findings, report.absent, report.not_evaluated),
    ]
    return Group(*parts)


def _measures(measures: tuple[Measure, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    earlier = any(one.earlier is not None for one in measures)
    for name in ("", "model", "base", *(("earlier",) if earlier else ()), "unit"):
        table.add_column(name, justify="left" if name in ("", "unit") else "right", overflow="fold")
    for one in measures:
        cells = [number(one.value, 3), "" if one.base is None else number(one.base, 3)]
        cells += ["" if one.earlier is None else number(one.earlier, 3)] if earlier else []
        table.add_row(one.name, *cells, one.unit)
    return table


def _sample(sample: SampleEntry, *, color: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=10, style="dim")
    table.add_column(ratio=1, overflow="fold")
    table.expand = True
    table.add_row("question", Text(_short(sample.question), style="bold"))
    if sample.reference:
        table.add_row("reference", Text(_short(sample.reference), style="green"))
    if sample.base is not None:
        table.add_row("base", Text(_short(sample.base) or "(empty)"))
    table.add_row("model", _answer(sample, color=color))
    for remark in sample.remarks:
        table.add_row("", prose(f"-> {remark}"))
    return table


def _answer(sample: SampleEntry, *, color: bool) -> Text:
    """The answer; before a marked stretch its middle is left out, so that the mark is seen."""
    text = Text()
    longest = LONGEST // max(1, len(sample.answer))
    for at, piece in enumerate(sample.answer, start=1):
        shown = piece.text.replace("\n", " ⏎ ")
        if len(shown) > longest:
            tail = shown[-TAIL:] if at < len(sample.answer) else ""
            shown = f"{shown[: longest - len(tail)].rstrip()} ... {tail}".rstrip(" ")
        if piece.mark and not color:
            shown = f"[[{shown}]]"
        text.append(shown, style=MARKED if piece.mark else "")
    return text if text.plain.strip() else Text("(empty)", style="red")


def _short(text: str) -> str:
    text = text.strip("\n").replace("\n", " ⏎ ")
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} ..."
