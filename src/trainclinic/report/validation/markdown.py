"""The document on a finished model as GitHub-flavoured Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import number
from trainclinic.report import wording
from trainclinic.report.markdown import finding_block, limit_blocks
from trainclinic.report.markdown_text import fenced, listed, table, text

if TYPE_CHECKING:
    from trainclinic.report.validation.model import Measure, SampleEntry, ValidationReport

SIGNS = {"pass": "✅", "fail": "❌", "cannot tell": "❔"}


def to_markdown(report: ValidationReport) -> str:
    """The whole document.

    Args:
        report: The document, cleaned.
    """
    blocks = [f"# {SIGNS[report.verdict]} {text(report.title)}: {report.verdict}", f"**{text(report.reason)}**"]
    blocks += [f"> {text(one.says)}" for one in report.warnings]
    if report.regressions:
        blocks.append(f"## Worse than in {text(report.against)}")
        blocks.append("\n".join(f"- {text(one)}" for one in report.regressions))
    if report.findings:
        blocks.append("## What this model shows")
        blocks += [finding_block(finding, at, "##") for at, finding in enumerate(report.findings, start=1)]
    if report.measures:
        blocks += ["## The model in numbers", _measures(report.measures)]
    if report.samples:
        blocks.append("## Answers")
        for sample in report.samples:
            blocks += _sample(sample)
    blocks += ["## How it was tested", listed(report.settings)]
    blocks += limit_blocks(report.not_evaluated, report.absent)
    blocks.append(f"<sub>trainclinic {wording.version()}</sub>")
    return "\n\n".join(block for block in blocks if block) + "\n"


def _measures(measures: tuple[Measure, ...]) -> str:
    """A table without the columns that would be empty."""
    columns = {
        "": [text(one.name) for one in measures],
        "model": [_number(one.value) for one in measures],
        "base": [_number(one.base) for one in measures],
        "earlier": [_number(one.earlier) for one in measures],
        "unit": [text(one.unit) for one in measures],
    }
    filled = {name: cells for name, cells in columns.items() if any(cells)}
    return table(list(filled), [list(row) for row in zip(*filled.values(), strict=True)])


def _sample(sample: SampleEntry) -> list[str]:
    """The question as a heading, each answer in a block of its own, what is wrong with it in `[[ ]]`."""
    blocks = [f"### {text(' '.join(sample.question.split()))}"]
    marked = "".join(f"[[{piece.text}]]" if piece.mark else piece.text for piece in sample.answer)
    sides = {"reference": sample.reference or None, "base": sample.base, "model": marked}
    for name, said in (*sides.items(), ("model, drawn by chance", sample.sampled)):
        if said is not None:
            blocks += [f"{name}:", fenced(said or "(empty)")]
    blocks += ["\n".join(f"- {text(remark)}" for remark in sample.remarks)]
    return blocks


def _number(value: float | None) -> str:
    return "" if value is None else number(value, 3)
