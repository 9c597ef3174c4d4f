"""The document on training data as GitHub-flavoured Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.report import wording
from trainclinic.report.data.tokens import counted, marked
from trainclinic.report.markdown import SIGNS, finding_block, limit_blocks
from trainclinic.report.markdown_text import code, fenced, listed, table, text

if TYPE_CHECKING:
    from trainclinic.report.data.model import DataReport

PLACES = 24


def to_markdown(report: DataReport) -> str:
    """The whole document; rows token by token as blocks with marks.

    Args:
        report: The document, cleaned.
    """
    sign = SIGNS[report.worst] if report.worst else "✅"
    blocks = [f"# {sign} {text(report.title)}", f"**{text(report.summary)}**"]
    blocks += [f"> {text(one.says)}" for one in report.warnings]
    if report.findings:
        blocks.append("## What these data show")
        blocks += [finding_block(finding, at, "##") for at, finding in enumerate(report.findings, start=1)]
    for row in report.shown:
        blocks += [f"## A row as the model gets it: {code(row.place)}", f"{text(row.why)}; {counted(row)}"]
        blocks += [fenced(marked(row)), *(f"- {text(says)}" for says in row.says)]
    if report.shown:
        blocks.append("`[[in the loss]]`, `~~cut off~~`, `‹end token›`")
    for step, placement in report.steps:
        names = [code(str(source)) for source in placement.rows[:PLACES]]
        more = f" and {len(placement.rows) - len(names):,} more" if len(placement.rows) > len(names) else ""
        blocks += [f"## The rows of step {step:,}", f"**{placement.certainty}**: {text(placement.why)}"]
        blocks.append(", ".join(names) + more)
    rows = [
        [
            code(file.name),
            file.form,
            text(file.schema or "?"),
            file.split,
            "" if file.rows is None else f"{file.rows:,}",
        ]
        for file in report.files
    ]
    blocks += ["## Files", table(["file", "container", "written as", "split", "rows"], rows)]
    blocks += ["## The data in numbers", listed(report.statistics)]
    blocks += ["## How rows become examples", listed(report.settings)]
    blocks += limit_blocks(report.not_evaluated, report.absent)
    blocks.append(f"<sub>trainclinic {wording.version()}</sub>")
    return "\n\n".join(block for block in blocks if block) + "\n"
