"""The document on training data as one HTML page in the style of the house; it reads without a script or a network."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from markupsafe import Markup

from trainclinic.report.data.tokens import LEGEND, counted, parts_in, stretches_of, title_of
from trainclinic.report.html.page import LIMIT, environment, whole_page
from trainclinic.report.model import Warned

if TYPE_CHECKING:
    from trainclinic.report.data.model import DataReport, Histogram

WIDTH, HEIGHT, FOOT = 600, 120, 18


def to_html(report: DataReport) -> str:
    """The page; with fewer shown rows, which it then says, where all of them would make it larger than its limit.

    Args:
        report: The document, cleaned.
    """
    page = _page(report)
    if _fits(page):
        return page
    page = _page(_with_rows(report, 0))
    fewest, most = 0, len(report.shown)
    while most - fewest > 1:
        middle = (fewest + most) // 2
        tried = _page(_with_rows(report, middle))
        if _fits(tried):
            page, fewest = tried, middle
        else:
            most = middle
    return page


def _fits(page: str) -> bool:
    return len(page.encode("utf-8", errors="replace")) <= LIMIT


def _with_rows(report: DataReport, rows: int) -> DataReport:
    """The document with the first of its shown rows, and a warning that others are left out."""
    says = f"{rows:,} of {len(report.shown):,} rows fit on this page: the other formats show all of them"
    return dataclasses.replace(report, shown=report.shown[:rows], warnings=(*report.warnings, Warned(says)))


def _page(report: DataReport) -> str:
    parts = parts_in(report.shown)
    body = (
        environment()
        .get_template("data.html.j2")
        .render(
            doc=report,
            rows=[(row, stretches_of(row), counted(row)) for row in report.shown],
            legend={part: LEGEND[part] for part in parts},
            title_of=title_of,
            histogram=_histogram(report.lengths) if report.lengths else "",
        )
    )
    wanted = (
        ("findings", "Findings", report.findings), ("rows", "Rows", report.shown), ("measured", "Numbers", True),
        ("files", "Files", True), ("limits", "Limits", True),
    )  # fmt: skip
    return whole_page(report.title, [(anchor, name) for anchor, name, there in wanted if there], Markup(body))


def _histogram(lengths: Histogram) -> Markup:
    """Bars, the ends of the axis, and a line at the length limit."""
    low, high, most = lengths.edges[0], lengths.edges[-1], max(lengths.counts)
    span = (high - low) or 1.0
    bars = []
    for at, number in enumerate(lengths.counts):
        x = (lengths.edges[at] - low) / span * WIDTH
        wide = max(1.0, (lengths.edges[at + 1] - lengths.edges[at]) / span * WIDTH - 1)
        tall = number / most * HEIGHT
        title = f"{number:,} rows of {lengths.edges[at]:,.0f} to {lengths.edges[at + 1]:,.0f} tokens"
        bars.append(
            Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>').format(
                x, HEIGHT - tall, wide, tall, title
            )
        )
    mark = Markup("")
    if lengths.limit is not None and low < lengths.limit < high:
        x = (lengths.limit - low) / span * WIDTH
        mark = Markup(
            '<line x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/><text x="{0:.1f}" y="12" dx="4">{2}</text>'
        ).format(x, HEIGHT, f"limit {lengths.limit:,}")
    ends = Markup('<text x="0" y="{0}">{1}</text><text x="{2}" y="{0}" text-anchor="end">{3}</text>').format(
        HEIGHT + FOOT - 3, f"{low:,.0f}", WIDTH, f"{high:,.0f}"
    )
    return Markup(
        '<svg class="histogram" viewBox="0 0 {} {}" role="img" aria-label="Rows by length">{}{}{}</svg>'
    ).format(WIDTH, HEIGHT + FOOT, Markup("").join(bars), mark, ends)
