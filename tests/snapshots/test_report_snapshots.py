"""What the renderers print for fixed documents, character by character; `UPDATE_SNAPSHOTS=1 pytest` accepts a change."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import trainclinic
from tests.report import fixed_documents
from trainclinic.report.render import render

RUNS = {
    "spike": (fixed_documents.spike(),),
    "healthy": (fixed_documents.healthy(),),
    "undecided": (fixed_documents.undecided(),),
    "quiet": (fixed_documents.quiet(),),
    "three-runs": (fixed_documents.spike(), fixed_documents.healthy(), fixed_documents.empty()),
}
SUFFIXES = {"terminal": "txt", "md": "md", "json": "json", "html": "html"}
FOLDER = Path(__file__).parent / "report"


def stable(text: str) -> str:
    """Without what changes with each release or with each edit of the style sheet and the script."""
    text = text.replace(trainclinic.__version__, "VERSION")
    text = re.sub(r"sha256-[\w+/=]+", "sha256-HASH", text)
    text = re.sub(r"<style>.*?</style>", "<style>report.css</style>", text, flags=re.S)
    return re.sub(r"<script>.*?</script>", "<script>report.js</script>", text, flags=re.S)


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("name", RUNS)
def test_a_fixed_run_renders_as_before(name: str, form: str) -> None:
    file = FOLDER / f"{name}.{SUFFIXES[form]}"
    now = stable(render(RUNS[name], form))
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8", newline="\n")
    assert now == file.read_text(encoding="utf-8")
