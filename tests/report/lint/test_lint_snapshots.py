"""What each format prints for a fixed report on scripts; `UPDATE_SNAPSHOTS=1 pytest` accepts a change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import trainclinic
from tests.report.lint import fixed_reports
from trainclinic.report.lint.render import render

REPORTS = {"small": fixed_reports.small(), "clean": fixed_reports.clean()}
SUFFIXES = {
    "terminal": "txt",
    "json": "json",
    "sarif": "sarif",
    "github": "github.txt",
    "gitlab": "gitlab.json",
    "md": "md",
}
FOLDER = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("name", REPORTS)
def test_a_fixed_report_renders_as_before(name: str, form: str) -> None:
    file = FOLDER / f"{name}.{SUFFIXES[form]}"
    now = render(REPORTS[name], form).replace(trainclinic.__version__, "VERSION")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(now, encoding="utf-8", newline="\n")
    assert now == file.read_text(encoding="utf-8")
