"""The document on training data for a terminal: the same words with and without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainclinic.catalogue.wording import percent
from trainclinic.report import wording
from trainclinic.report.data.tokens import LEGEND, Stretch, counted, marked_stretch, parts_in, stretches_of
from trainclinic.report.terminal.blocks import items, labelled, prose, title
from trainclinic.report.terminal.limits import limits, printed
from trainclinic.report.terminal.page import STYLES, finding_rows

if TYPE_CHECKING:
    from trainclinic.dataset.placement import Placement
    from trainclinic.dataset.showing import ShownRow
    from trainclinic.report.data.model import DataReport, Histogram

PARTS = {
    "frame": "bright_black", "system": "magenta", "user": "cyan", "assistant": "green", "tool": "yellow", "text": "",
    "reference": "red",
}  # fmt: skip
SCORED, CUT, END = "underline bold", "strike dim", "reverse"
FILES = 12
PLACES = 24
BARS = " ▁▂▃▄▅▆▇█"


def to_terminal(report: DataReport, *, color: bool = False, width: int = 80) -> str:
    """The whole document.

    Args:
        report: The document, cleaned.
        color: Whether to use colour; it adds nothing that marks do not say.
        width: Columns.
    """
    return printed(_whole(report, color=color), color=color, width=width)


def rows_to_terminal(rows: tuple[ShownRow, ...], *, color: bool = False, width: int = 80) -> str:
    """Rows alone, token by token, with a key to the marks.

    Args:
        rows: The rows.
        color: Whether to use colour; it adds nothing that marks do not say.
        width: Columns.
    """
    parts = [part for row in rows for part in _row(row, color=color)]
    return printed(Group(*parts, Text(), _legend(rows, color=color)), color=color, width=width)


def _whole(report: DataReport, *, color: bool) -> Group:
    parts: list[RenderableType] = [_head(report), Text(), prose(report.summary)]
    parts += [Text(f"Note: {one.says}", style="yellow") for one in report.warnings]
    if report.findings:
        parts += title("What these data show")
        for at, finding in enumerate(report.findings, start=1):
            parts += [*([Text()] if at > 1 else []), *finding_rows(finding, at)]
    for row in report.shown:
        parts += _row(row, color=color)
    if report.shown:
        parts += [Text(), _legend(report.shown, color=color)]
    for step, placement in report.steps:
        parts += _step(step, placement)
    parts += [*title("Files"), _files(report)]
    parts += [*title("The data in numbers"), items(report.statistics)]
    if report.lengths is not None:
        parts += _lengths(report.lengths)
    parts += [*title("How rows become examples"), items(report.settings)]
    parts += limits(report.findings, report.absent, report.not_evaluated)
    return Group(*parts)


def _head(report: DataReport) -> Text:
    word = (report.worst or "clean").upper()
    line = Text.assemble((f" {word} ", f"reverse {STYLES[report.worst] if report.worst else STYLES['healthy']}"), "  ")
    return line.append(report.title, style="bold")


def _row(row: ShownRow, *, color: bool) -> list[RenderableType]:
    head = Text.assemble((row.place, "bold"), (f"  {row.why}; {counted(row)}", "dim"))
    text = Text()
    for stretch in stretches_of(row):
        _append(text, stretch, color=color)
    notes: list[RenderableType] = [Text(f"-> {says}", style="yellow") for says in row.says]
    return [*title("A row as the model gets it"), head, Text(), text, *notes]


def _append(text: Text, stretch: Stretch, *, color: bool) -> None:
    looks = (
        PARTS[stretch.part],
        SCORED if stretch.is_scored else "",
        "" if stretch.is_kept else CUT,
        END if stretch.is_end else "",
    )
    if color and stretch.skipped:
        text.append(f" … {stretch.skipped:,} tokens … ", style="dim")
    text.append(stretch.text if color else marked_stretch(stretch), style=" ".join(filter(None, looks)))


def _legend(rows: tuple[ShownRow, ...], *, color: bool) -> Text:
    text = Text("Key: ", style="dim")
    if color:
        for part in parts_in(rows):
            text.append(LEGEND[part], style=PARTS[part]).append("  ")
        text.append("\n     ")
        text.append("in the loss", style=SCORED).append("  ")
        text.append("cut off", style=CUT).append("  ").append("end token", style=END)
    else:
        text.append("[[in the loss]]  ~~cut off~~  ‹end token›")
    return text


def _step(step: int, placement: Placement) -> list[RenderableType]:
    rows = [("how sure", placement.certainty), ("why", placement.why)]
    if placement.rows:
        names = [str(source) for source in placement.rows[:PLACES]]
        more = len(placement.rows) - len(names)
        rows.insert(0, ("rows", ", ".join(names) + (f" and {more:,} more" if more else "")))
    if placement.passes is not None:
        rows.append(("passes by then", wording.spoken(placement.passes)))
    if placement.coverage is not None:
        rows.append(("data used by then", percent(placement.coverage)))
    return [*title(f"The rows of step {step:,}"), labelled(rows, label=18)]


def _files(report: DataReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for name, side in (
        ("file", "left"),
        ("container", "left"),
        ("written as", "left"),
        ("split", "left"),
        ("rows", "right"),
    ):
        table.add_column(name, justify=side, overflow="fold")  # type: ignore[arg-type]
    for file in report.files[:FILES]:
        rows = "" if file.rows is None else f"{file.rows:,}"
        table.add_row(file.name, file.form, file.schema or "?", file.split, rows)
    if len(report.files) > FILES:
        table.add_row(f"and {len(report.files) - FILES:,} more", "", "", "", "")
    return table


def _lengths(lengths: Histogram) -> list[RenderableType]:
    most = max(lengths.counts)
    bars = "".join(BARS[-(-number * (len(BARS) - 1) // most)] for number in lengths.counts)
    ends = f"{lengths.edges[0]:,.0f} to {lengths.edges[-1]:,.0f}"
    limit = f", the limit is {lengths.limit:,}" if lengths.limit else ""
    return [labelled([("rows by length", f"{bars}  {ends}{limit}")], label=30)]
