"""The document on a finished model as one HTML page in the style of the house, answers side by side."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from markupsafe import Markup

from trainclinic.catalogue.wording import number
from trainclinic.report.html.page import LIMIT, environment, whole_page
from trainclinic.report.model import Warned

if TYPE_CHECKING:
    from trainclinic.report.validation.model import ValidationReport

LOOKS = {"pass": "healthy", "fail": "sick", "cannot tell": "undetermined"}
GLYPHS = {"pass": "healthy", "fail": "harmful", "cannot tell": "warning"}


def to_html(report: ValidationReport) -> str:
    """The page; with fewer samples, which it then says, where all of them would make it larger than its limit.

    Args:
        report: The document, cleaned.
    """
    shown, page = len(report.samples), _page(report)
    while shown and len(page.encode("utf-8", errors="replace")) > LIMIT:
        shown //= 2
        says = f"{shown:,} of {len(report.samples):,} samples fit on this page: the other formats show all of them"
        warnings = (*report.warnings, Warned(says))
        page = _page(dataclasses.replace(report, samples=report.samples[:shown], warnings=warnings))
    return page


def _page(report: ValidationReport) -> str:
    body = (
        environment()
        .get_template("validation.html.j2")
        .render(
            doc=report,
            look=LOOKS[report.verdict],
            glyph=GLYPHS[report.verdict],
            rows=[[one.name, *map(_number, (one.value, one.base, one.earlier)), one.unit, one.is_worse]
                  for one in report.measures],
            has_base=any(one.base is not None for one in report.samples),
            has_sampled=any(one.sampled is not None for one in report.samples),
            has_base_values=any(one.base is not None for one in report.measures),
            has_earlier=any(one.earlier is not None for one in report.measures),
            has_reference=any(one.reference for one in report.samples),
        )
    )  # fmt: skip
    wanted = (
        ("regressions", "Regressions", report.regressions), ("findings", "Findings", report.findings),
        ("samples", "Answers", report.samples), ("measured", "Numbers", True), ("limits", "Limits", True),
    )  # fmt: skip
    return whole_page(report.title, [(anchor, name) for anchor, name, there in wanted if there], Markup(body))


def _number(value: float | None) -> str:
    return "" if value is None else number(value, 3)
