"""The HTML report: one file for one run or many, never larger than its limit."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import jinja2
from markupsafe import Markup

from trainclinic.catalogue.wording import words
from trainclinic.report import cause_wording, fix_wording
from trainclinic.report.evidence_lines import evidence_lines
from trainclinic.report.html import svg, wording
from trainclinic.report.html.chart_data import chart_json, thinned
from trainclinic.report.html.detail import brief
from trainclinic.report.wording import needs, planned, short_names, steps_text, version

if TYPE_CHECKING:
    from trainclinic.report.chart import Chart
    from trainclinic.report.model import Document

SPARK_COLUMNS = 30
OVERVIEW_NAME = 60
"""Characters of a run's name in the table of runs."""
LIMIT = 300_000
"""Bytes of a whole page: it travels by mail and opens at once on a phone."""


class _Detail(NamedTuple):
    """How much of each run a page shows when there are many.

    Attributes:
        columns: Pixel columns that curves are reduced to.
        brief: Whether configuration, absences and long evidence are left out.
        sections: Runs that are shown below the overview.
        rows: Rows of the overview.
        least: Bytes that a run takes at least, so that hopeless levels are not tried.
    """

    columns: int
    brief: bool
    sections: int
    rows: int = 600
    least: int = 0


_LEVELS = (
    _Detail(900, brief=False, sections=10_000, least=10_000),
    _Detail(450, brief=False, sections=10_000, least=10_000),
    _Detail(220, brief=False, sections=10_000, least=10_000),
    _Detail(220, brief=True, sections=10_000, least=4_000),
    _Detail(110, brief=True, sections=24),
    _Detail(110, brief=True, sections=8),
    _Detail(60, brief=True, sections=0, rows=320),
    _Detail(60, brief=True, sections=0, rows=120),
)


def to_html(documents: Sequence[Document]) -> str:
    """The page, in as much detail as its size limit allows."""
    page = ""
    for level in _LEVELS:
        if len(documents) > 1 and level.least * len(documents) > LIMIT:
            continue
        page = _page(documents, level)
        if len(page.encode("utf-8", errors="replace")) <= LIMIT:
            return page
    return page


def _page(documents: Sequence[Document], detail: _Detail) -> str:
    if len(documents) == 1:
        body = _run(documents[0], detail, "", alone=True)
        title, sections = documents[0].run.name, _sections(documents[0])
    else:
        body, title, sections = _many(documents, detail), f"{len(documents):,} runs", [("overview", "Overview")]
    return whole_page(title, sections, body)


def whole_page(title: str, sections: Sequence[tuple[str, str]], body: str) -> str:
    """A page in the style of the house: nothing is loaded, and only our own script may run.

    Args:
        title: What it is about.
        sections: Anchors and names for the bar at the top.
        body: HTML, escaped.
    """
    style, script = _asset("report.css"), _asset("report.js")
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            sections=sections,
            body=body,
            style=Markup(style),
            script=Markup(script),
            style_hash=_hash(style),
            script_hash=_hash(script),
            version=version(),
        )
    )


def in_frame(page: str) -> str:
    """A page in a frame for notebooks, so that its styles leave the notebook alone.

    Args:
        page: A whole page.
    """
    shown = escape(page, quote=True)
    return f'<iframe srcdoc="{shown}" style="width:100%;height:48rem;border:0" title="trainclinic report"></iframe>'


def _many(documents: Sequence[Document], detail: _Detail) -> Markup:
    shown = documents[: detail.rows]
    prefixes = [f"r{index}-" if index < detail.sections else "" for index in range(len(shown))]
    charts = [thinned(document.chart, SPARK_COLUMNS) if document.chart else None for document in shown]
    sections = [
        (prefix, document, _run(document, detail, prefix, alone=False))
        for prefix, document in zip(prefixes, shown, strict=True)
        if prefix
    ]
    template = environment().get_template("many.html.j2")
    return Markup(
        template.render(
            documents=documents,
            shown=shown,
            names=short_names([document.run.name for document in shown], OVERVIEW_NAME),
            prefixes=prefixes,
            sparks=[svg.sparkline(chart) if chart else "" for chart in charts],
            sections=sections,
        )
    )


def _run(document: Document, detail: _Detail, prefix: str, *, alone: bool) -> Markup:
    if detail.brief:
        document = brief(document)
    chart = thinned(document.chart, detail.columns) if document.chart else None
    return Markup(
        environment()
        .get_template("run.html.j2")
        .render(
            doc=document,
            prefix=prefix,
            alone=alone,
            panels=_panels(chart, prefix) if chart else [],
            x_axis=svg.x_axis(chart) if chart else "",
            data=Markup(chart_json(chart)) if chart else "",
        )
    )


def _panels(chart: Chart, prefix: str) -> list[dict[str, object]]:
    return [
        {
            "key": panel.key,
            "title": panel.title,
            "unit": panel.unit,
            "scale": panel.scale,
            "curves": [
                {"index": i, "role": c.role, "label": _legend(c.label, panel.title, len(panel.curves))}
                for i, c in enumerate(panel.curves)
            ],
            "y_axis": svg.y_axis(panel),
            "lane": svg.lane(chart, panel, prefix),
            "plot": svg.plot(chart, panel, _spoken(chart, panel.title, panel.key)),
        }
        for panel in chart.panels
    ]


def _legend(label: str, title: str, curves: int) -> str:
    """What the heading of the panel does not say already; nothing for the only curve of its own panel."""
    if label == title.lower():
        return "as logged" if curves > 1 else ""
    return label.removeprefix(f"{title.lower()}, ")


def _spoken(chart: Chart, title: str, key: str) -> str:
    marks = [mark for mark in chart.marks if mark.panel == key]
    found = f", {len(marks)} marked findings" if marks else ""
    return f"{title} over {chart.axis}s {chart.first_step:,.0f} to {chart.last_step:,.0f}{found}"


def _sections(document: Document) -> list[tuple[str, str]]:
    measured = document.checkpoints or document.speed or document.generalisation or document.expectation
    told = cause_wording.reading(document) != "quiet"
    wanted = (
        ("causes", "Causes", document.causes),
        ("ruled-out", "Ruled out", document.ruled_out if told else ()),
        ("settle", "Next test", document.next_tests if told else ()),
        ("do", "What to do", document.fixes),
        ("charts", "Charts", document.chart),
        ("findings", "Findings", document.findings),
        ("timeline", "Timeline", document.timeline),
        ("measured", "Measured", measured),
        ("facts", "Configuration", document.facts),
        ("limits", "Limits", document.not_evaluated or document.absent or document.warnings),
    )
    return [(anchor, text) for anchor, text, there in wanted if there]


@cache
def environment() -> jinja2.Environment:
    """The templates, with everything escaped and the filters that they share."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _read("templates", name)),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.globals.update(ruled_out_most=cause_wording.RULED_OUT, fix_wording=fix_wording)
    made.filters.update(
        inline=wording.inline,
        block=wording.block,
        value=wording.value,
        figure=wording.figure,
        change=wording.change,
        place=wording.place,
        token=wording.token,
        words=words,
        steps=steps_text,
        needs=needs,
        planned=planned,
        evidence_lines=evidence_lines,
        share=cause_wording.share,
        cause_title=cause_wording.title,
        cause_cell=cause_wording.cell,
        causes_reading=cause_wording.reading,
        causes_heading=cause_wording.heading,
        causes_lead=cause_wording.lead,
        causes_shown=cause_wording.shown,
        test_points=cause_wording.points,
    )
    return made


@cache
def _read(folder: str, name: str) -> str:
    return resources.files("trainclinic.report.html").joinpath(folder, name).read_text(encoding="utf-8")


def _asset(name: str) -> str:
    return _read("static", name)


def _hash(text: str) -> str:
    """The source expression that lets exactly this inline text run, and nothing that a log could smuggle in."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
