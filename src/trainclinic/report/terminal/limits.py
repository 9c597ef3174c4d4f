"""How a terminal report ends, and how it becomes text."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.text import Text

from trainclinic.catalogue.wording import count, words
from trainclinic.report import wording
from trainclinic.report.terminal.blocks import labelled, prose, title
from trainclinic.report.terminal.page import few

if TYPE_CHECKING:
    from trainclinic.report.model import AbsentEntry, FindingEntry, NotEvaluatedEntry


def printed(content: RenderableType, *, color: bool, width: int) -> str:
    """What is to be shown, as the text of a terminal.

    Args:
        content: What is to be shown.
        color: Whether to use colour.
        width: Columns.
    """
    out = io.StringIO()
    console = Console(
        file=out, width=max(40, width), color_system="standard" if color else None, force_terminal=color,
        no_color=not color, highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    console.print(content)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def limits(
    findings: Sequence[FindingEntry], absent: Sequence[AbsentEntry], not_evaluated: Sequence[NotEvaluatedEntry]
) -> list[RenderableType]:
    """What a report rests on: what was not looked at, and what was looked for and not found.

    Args:
        findings: Symptoms that are there.
        absent: Symptoms that were looked for and are not there.
        not_evaluated: Symptoms that could not be looked for.
    """
    parts: list[RenderableType] = []
    if not_evaluated:
        rows = [(few(names), f"needs {missing}") for missing, names in wording.needs(not_evaluated)]
        parts += [*title("Not looked at"), labelled(rows, label=30)]
    if absent:
        looked = ", ".join(words(entry.slug) for entry in absent)
        parts += [*title("Looked for and not found"), prose(f"{count(len(absent), 'symptom')}: {looked}")]
    if findings:
        parts += [Text(), Text("What a code means, and how to check it by hand: trainclinic explain CODE", style="dim")]
    return parts
