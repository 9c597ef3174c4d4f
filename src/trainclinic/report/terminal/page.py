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
from trainclinic.report import cause_wording, wording
from trainclinic.report.terminal import spark
from trainclinic.report.terminal.blocks import items, labelled, prose, title
from trainclinic.report.terminal.causes import causes, causes_in_short
from trainclinic.report.terminal.fixes import fixes

if TYPE_CHECKING:
    from trainclinic.report.chart import Chart
    from trainclinic.report.model import Document, FindingEntry

STYLES = {
    "sick": "bold red", "healthy": "bold green", "undetermined": "bold magenta",
    "harmful": "bold red", "warning": "yellow", "note": "cyan",
}  # fmt: skip
SHORT_REPORTS = 24
"""Runs told below the table of runs; whoever has more asks for one by its name."""
SHORT_FINDINGS = 6
"""Findings of one run among many."""
SUSPECTS = 5
GIVEN_UP = ("grad norm", "change", "steps/s", "LR")
"""Columns of the timeline that a narrow terminal does without, one after the other."""
HAPPENED = 14
"""Columns that the last one, in words, needs at least."""
OVERVIEW_WARNINGS = 2
OVERVIEW_CELL = 29
"""Columns of causes and findings in the table of runs."""
OVERVIEW_WIDE = 110
"""Columns from which the table of runs has room for causes and findings."""
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
        telling = [document for document in documents if document.told]
        for document in telling[:SHORT_REPORTS]:
            console.print(_short(document))
        if len(telling) > SHORT_REPORTS:
            console.print(Text(f"\n{len(telling) - SHORT_REPORTS:,} more runs have findings", style="dim"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _run(document: Document, width: int) -> Group:
    parts: list[RenderableType] = [_head(document), _summary(document.summary)]
    parts += causes(document, width)
    parts += fixes(document)
    if document.stuck:
        parts += [*title("Why it is stuck where it is"), *(prose(text) for text in document.stuck.says)]
        parts.append(items(document.stuck.items))
    if document.chart:
        parts += [*title(f"The run, {document.run.axis} by {document.run.axis}"), *_chart(document.chart, width)]
    if document.told:
        parts += [*title("What this run shows"), *_findings(document)]
    parts += _asides(document)
    if document.at_events:
        parts += title("Where the run stood")
        for event in document.at_events:
            parts += [Text(f"At {document.run.axis} {event.step:,}, {event.title}", style="bold"), items(event.items)]
    if document.timeline:
        parts += [*title("Timeline"), _timeline(document, width)]
    parts += _measured(document)
    parts += _limits(document)
    return Group(*parts)


def _head(document: Document) -> Group:
    line = Text.assemble((f" {document.verdict.upper()} ", f"reverse {STYLES[document.verdict]}"), "  ")
    line.append(document.run.name, style="bold")
    return Group(line, Text(document.reason, style="dim"))


def _summary(text: str) -> Padding:
    return Padding(prose(text), (1, 0, 0, 0))


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
    for number_, finding in enumerate(document.told, start=1):
        parts += [*([Text()] if number_ > 1 else []), *finding_rows(finding, number_)]
    return parts


def finding_rows(finding: FindingEntry, number_: int) -> list[RenderableType]:
    """One symptom: its heading, then what was seen, what it means and what not, how to check and to settle it.

    Args:
        finding: The symptom.
        number_: Its number in the report.
    """
    rows = [
        ("Seen", "\n".join(wording.seen(evidence) for evidence in finding.evidence[:4])),
        ("Means", finding.means),
        ("Does not mean", finding.does_not_mean),
        ("Check it", finding.check if finding.severity != "note" else ""),
        ("To settle it", finding.settle),
    ]
    return [_finding_head(finding, number_), labelled([(label, text) for label, text in rows if text])]


def _asides(document: Document) -> list[RenderableType]:
    """What is only noted, a line each."""
    if not document.asides:
        return []
    lines = (f"{words(finding.slug)}: {wording.seen(finding.evidence[0])}" for finding in document.asides)
    return [Text(), Text("Also noted", style="bold"), *(Padding(prose(line), (0, 0, 0, 2)) for line in lines)]


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
        parts += [*title("Checkpoints"), labelled(rows)]
    for heading, section in (
        ("Learning-rate schedule", document.schedule),
        ("Training and evaluation", document.generalisation),
        ("What a healthy run of this kind looks like", document.expectation),
    ):
        if section:
            parts += [*title(heading), *(prose(text) for text in section.says), items(section.items)]
    if document.speed:
        parts += [*title("Speed and lost time"), *(prose(text) for text in document.speed.says)]
    return parts


def _limits(document: Document) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if document.warnings:
        parts += [*title("Could not be read"), *_warnings(document)]
    if document.not_evaluated:
        needs = wording.needs(document.not_evaluated)
        rows = [(few(names), f"needs {missing}") for missing, names in needs[:NOT_EVALUATED]]
        parts += [*title("Not looked at"), labelled(rows, label=30)]
        more = sum(len(names) for _, names in needs[NOT_EVALUATED:])
        if more:
            parts.append(Text(f"and {count(more, 'more symptom')}; the HTML report lists all", style="dim"))
    looked = count(len(document.absent), "further symptom")
    parts += [Text(), Text(f"Looked for and not found: {looked}.", style="dim")] if document.absent else []
    return parts


def few(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    if len(names) <= NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: NAMES - 1])} and {len(names) - NAMES + 1} more"


def _warnings(document: Document) -> list[Text]:
    lines = []
    for item in document.warnings:
        times = f", {item.count:,} times" if item.count > 1 else ""
        lines.append(prose(f"{item.says}{times} [{wording.near(item.path, item.line)}]"))
    return lines


def _overview(documents: Sequence[Document], width: int) -> Table:
    """One line a run; names lose what all of them share before anything else."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    inferred = any(document.causes for document in documents)
    wide = width >= OVERVIEW_WIDE
    runs = max(12, *(len(document.run.name) for document in documents))
    spare = max(0, width - runs - 3 - 12 - OVERVIEW_CELL - 15 - 4 * 2)
    causes_room = min(OVERVIEW_CELL + spare, max(OVERVIEW_CELL, *(len(cause_wording.cell(d)) for d in documents)))
    columns: list[tuple[str, int | None]] = [("run", None), ("verdict", 12)]
    columns += [("most probable cause", causes_room)] if inferred else []
    columns += [("top finding", OVERVIEW_CELL)] if wide or not inferred else []
    columns.append(("best checkpoint", 15))
    rest = sum(room + 2 for _, room in columns if room) + 1
    for heading, room in columns:
        table.add_column(heading, no_wrap=True, overflow="ellipsis", min_width=room, max_width=room)
    names = wording.short_names([document.run.name for document in documents], max(width - rest, 12))
    for shown, document in zip(names, documents, strict=True):
        cells = dict(zip(wording.OVERVIEW, wording.overview_cells(document), strict=True))
        chosen = [cells[heading] for heading, _ in columns[2:]]
        table.add_row(Text(shown), Text(document.verdict, style=STYLES[document.verdict]), *map(Text, chosen))
    return table


def _short(document: Document) -> Group:
    parts: list[RenderableType] = [Text(), Rule(style="dim", characters="─"), _head(document)]
    parts += causes_in_short(document)
    for number_, finding in enumerate(document.told[:SHORT_FINDINGS], start=1):
        parts += [_finding_head(finding, number_), Padding(prose(finding.says), (0, 0, 0, 4))]
    if more := document.told[SHORT_FINDINGS:]:
        parts.append(Text(f"   and {count(len(more), 'further finding')}", style="dim"))
    return Group(*parts)
