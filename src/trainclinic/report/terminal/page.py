"""The report for a terminal: 80 columns, the same words with and without colour."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from trainclinic.catalogue.wording import count, words
from trainclinic.report import wording
from trainclinic.report.terminal import spark

if TYPE_CHECKING:
    from trainclinic.report.chart import Chart
    from trainclinic.report.model import Document, FindingEntry, Item

STYLES = {
    "sick": "bold red", "healthy": "bold green", "undetermined": "bold magenta",
    "harmful": "bold red", "warning": "yellow", "note": "cyan",
}  # fmt: skip
LABEL = 15
SHORT_REPORTS = 24
"""Runs told below the table of runs; whoever has more asks for one by its name."""
SUSPECTS = 5
GIVEN_UP = ("grad norm", "change", "steps/s", "LR")
"""Columns of the timeline that a narrow terminal does without, one after the other."""
HAPPENED = 14
"""Columns that the last one, in words, needs at least."""
OVERVIEW_WARNINGS = 2
OVERVIEW_REST = 64
"""Columns that the table of runs needs beside the names."""
NOT_EVALUATED = 6
"""Groups of symptoms that were not looked at; the other formats list all of them."""
NAMES = 4
"""Names in such a group."""


def to_terminal(documents: Sequence[Document], *, color: bool = False, width: int = 80) -> str:
    """One run in full; several as a table of runs, then each run's findings."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(40, width),
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    if len(documents) == 1:
        console.print(_run(documents[0], console.width))
    else:
        console.print(_overview(documents, console.width))
        for document in documents:
            for line in _warnings(document)[:OVERVIEW_WARNINGS]:
                console.print(line)
        telling = [document for document in documents if document.findings]
        for document in telling[:SHORT_REPORTS]:
            console.print(_short(document))
        if len(telling) > SHORT_REPORTS:
            console.print(Text(f"\n{len(telling) - SHORT_REPORTS:,} more runs have findings", style="dim"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _run(document: Document, width: int) -> Group:
    parts: list[RenderableType] = [_head(document), _summary(document.summary)]
    if document.chart:
        parts += [Text(), *_chart(document.chart, width)]
    if document.findings:
        parts += [*_title("What this run shows"), *_findings(document)]
    if document.at_events:
        parts += _title("Where the run stood")
        for event in document.at_events:
            parts += [Text(f"At {document.run.axis} {event.step:,}, {event.title}", style="bold"), _items(event.items)]
    if document.timeline:
        parts += [*_title("Timeline"), _timeline(document, width)]
    parts += _measured(document)
    parts += _limits(document)
    return Group(*parts)


def _head(document: Document) -> Group:
    line = Text.assemble((f" {document.verdict.upper()} ", f"reverse {STYLES[document.verdict]}"), "  ")
    line.append(document.run.name, style="bold")
    return Group(line, Text(document.reason, style="dim"))


def _summary(text: str) -> Padding:
    return Padding(_prose(text), (1, 0, 0, 0))


def _chart(chart: Chart, width: int) -> list[RenderableType]:
    columns = max(20, width - 38)
    lines: list[RenderableType] = []
    for panel in chart.panels:
        for curve in panel.curves:
            if curve.role in {"past", "middle"} or not curve.values:
                continue
            first, last = spark.ends(curve)
            line = spark.spark(curve, chart.first_step, chart.last_step, columns, log=panel.scale == "log")
            name = curve.label if len(panel.curves) > 1 and panel.key == "loss" else panel.title.lower()
            head = f"{name[:19]:<19} {wording.figure(first, 3):>8} "
            lines.append(Text.assemble((head, "dim"), (line, "blue"), (f" {wording.figure(last, 3)}", "dim")))
    if chart.marks:
        lines.append(Text(f"{'findings':<28} {spark.mark_line(chart, columns)}"))
    ends = f"{chart.first_step:,.0f}", f"{chart.last_step:,.0f}" if chart.last_step > chart.first_step else ""
    lines.append(Text(f"{chart.axis:<28} {ends[0]}{ends[1]:>{columns - len(ends[0])}}", style="dim"))
    return lines


def _findings(document: Document) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for number_, finding in enumerate(document.findings, start=1):
        if number_ > 1:
            parts.append(Text())
        parts.append(_finding_head(finding, number_))
        rows = [
            ("Seen", "\n".join(wording.seen(evidence) for evidence in finding.evidence[:4])),
            ("Means", finding.means),
            ("Does not mean", finding.does_not_mean),
            ("Check it", finding.check if finding.severity != "note" else ""),
            ("To settle it", finding.settle),
        ]
        parts.append(_labelled([(label, text) for label, text in rows if text]))
    return parts


def _finding_head(finding: FindingEntry, number_: int) -> Text:
    line = Text.assemble((f"{number_:>2} ", "bold"), (f"{finding.severity.upper():<8}", STYLES[finding.severity]), " ")
    line.append(words(finding.slug), style="bold")
    line.append(f"  {finding.code}", style="dim")
    return line


def _timeline(document: Document, width: int) -> Table:
    """As many columns as fit with every digit; a number that lost one would be another number."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    columns = wording.timeline_columns(document.timeline, document.run.axis)
    if len(columns) > 8:
        columns = [column for column in columns if column[0] != "grad norm"]
    for given_up in GIVEN_UP:
        if sum(max(map(len, (heading, *cells))) + 2 for heading, cells in columns[:-1]) + HAPPENED > width:
            columns = [column for column in columns if column[0] != given_up]
    for index, (heading, _) in enumerate(columns):
        last = index == len(columns) - 1
        table.add_column(heading, justify="left" if last else "right", no_wrap=not last, overflow="fold")
    for index, row in enumerate(document.timeline):
        style = STYLES[row.severity] if row.severity in {"harmful", "warning"} else ""
        table.add_row(*(Text(cells[index], style=style) for _, cells in columns))
    return table


def _measured(document: Document) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if document.checkpoints and (document.checkpoints.best or document.checkpoints.suspect):
        rows = []
        if document.checkpoints.best:
            best = document.checkpoints.best
            rows.append(("keep", f"{document.run.axis} {best.step:,} {best.path}".strip() + f": {best.reason}"))
        if document.checkpoints.equally_good:
            rows.append(("as good", wording.steps_text(document.checkpoints.equally_good)))
        rows += [
            ("suspect", f"{document.run.axis} {entry.step:,} {entry.path}".strip() + f": {entry.reason}")
            for entry in document.checkpoints.suspect[:SUSPECTS]
        ]
        more = len(document.checkpoints.suspect) - SUSPECTS
        rows += [("", f"and {count(more, 'more suspect checkpoint')}")] if more > 0 else []
        parts += [*_title("Checkpoints"), _labelled(rows)]
    for title, section in (
        ("Learning-rate schedule", document.schedule),
        ("Training and evaluation", document.generalisation),
        ("What a healthy run of this kind looks like", document.expectation),
    ):
        if section:
            parts += [*_title(title), *(_prose(text) for text in section.says), _items(section.items)]
    if document.speed:
        parts += [*_title("Speed and lost time"), *(_prose(text) for text in document.speed.says)]
    return parts


def _limits(document: Document) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if document.warnings:
        parts += [*_title("Could not be read"), *_warnings(document)]
    if document.not_evaluated:
        needs = wording.needs(document.not_evaluated)
        rows = [(_few(names), f"needs {missing}") for missing, names in needs[:NOT_EVALUATED]]
        parts += [*_title("Not looked at"), _labelled(rows, label=30)]
        more = sum(len(names) for _, names in needs[NOT_EVALUATED:])
        if more:
            parts.append(Text(f"and {count(more, 'more symptom')}; the HTML report lists all", style="dim"))
    looked = count(len(document.absent), "further symptom")
    parts += [Text(), Text(f"Looked for and not found: {looked}.", style="dim")] if document.absent else []
    return parts


def _few(names: Sequence[str]) -> str:
    if len(names) <= NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: NAMES - 1])} and {len(names) - NAMES + 1} more"


def _warnings(document: Document) -> list[Text]:
    lines = []
    for item in document.warnings:
        times = f", {item.count:,} times" if item.count > 1 else ""
        lines.append(_prose(f"{item.says}{times} [{wording.place(item.path, item.line)}]"))
    return lines


def _overview(documents: Sequence[Document], width: int) -> Table:
    """One line a run; names lose what all of them share before anything else."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for heading, wide in (("run", None), ("verdict", 12), ("top finding", 29), ("best checkpoint", 15)):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", min_width=wide, max_width=wide)
    cells = [wording.overview_cells(document) for document in documents]
    names = wording.short_names([name for name, *_ in cells], max(width - OVERVIEW_REST, 12))
    for shown, (_, verdict, top, best) in zip(names, cells, strict=True):
        table.add_row(Text(shown), Text(verdict, style=STYLES[verdict]), Text(top), Text(best))
    return table


def _short(document: Document) -> Group:
    parts: list[RenderableType] = [Text(), Rule(style="dim", characters="─"), _head(document)]
    for number_, finding in enumerate(document.findings[:6], start=1):
        parts += [_finding_head(finding, number_), Padding(_prose(finding.says), (0, 0, 0, 4))]
    if len(document.findings) > 6:
        parts.append(Text(f"   and {count(len(document.findings) - 6, 'further finding')}", style="dim"))
    return Group(*parts)


def _title(text: str) -> list[RenderableType]:
    return [Text(), Text(text.upper(), style="bold"), Rule(style="dim", characters="─")]


def _items(items: Sequence[Item]) -> Table:
    rows = []
    for item in items:
        where = wording.place(item.path, item.line, item.key)
        rows.append((item.label, wording.item_text(item) + (f" [{where}]" if where else "")))
    return _labelled(rows, label=30)


def _labelled(rows: Sequence[tuple[str, str]], label: int = LABEL) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=2)
    table.add_column(width=label, style="dim", overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    table.expand = True
    for name, text in rows:
        table.add_row("", Text(name), _prose(text))
    return table


def _prose(text: str) -> Text:
    """A sentence; what stands between back-ticks keeps them, so that nothing is lost without colour."""
    shown = Text()
    for index, part in enumerate(text.split("`")):
        literal = index % 2 == 1 and text.count("`") % 2 == 0
        shown.append(f"`{part}`" if literal else part if text.count("`") % 2 == 0 else ("`" if index else "") + part)
        if literal:
            shown.stylize("bold", len(shown) - len(part) - 2)
    return shown
