"""The document on a finished model beside an earlier one: what became worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainclinic.report.model import Warned
from trainclinic.report.validation.earlier import read_earlier

if TYPE_CHECKING:
    from trainclinic.report.validation.model import ValidationReport


def beside(report: ValidationReport, path: Path) -> ValidationReport:
    """The document with what is worse than at the earlier time; a regression fails.

    Args:
        report: The document of today.
        path: The earlier one, in JSON.

    Raises:
        TrainclinicError: If it is none.
    """
    earlier = read_earlier(path)
    measures = tuple(replace(one, earlier=earlier.values.get(one.name)) for one in report.measures)
    worse = [f"{one.name} was {one.earlier:.3g} and is {one.value:.3g}" for one in measures if one.is_worse]
    new = [f"`{one.slug}` is there and was not" for one in report.findings
           if one.severity != "note" and one.code not in earlier.present]  # fmt: skip
    regressions = (*worse, *new)
    notes = [
        Warned(f"the earlier report was made {says}: numbers may differ by that alone")
        for says in earlier.differs(report)
    ]
    word, reason = report.verdict, report.reason
    if regressions and word != "fail":
        word, reason = "fail", f"worse than in `{earlier.name}`: {regressions[0]}"
    return replace(
        report, verdict=word, reason=reason, measures=measures, regressions=regressions, against=earlier.name,
        warnings=(*report.warnings, *notes),
    )  # fmt: skip
