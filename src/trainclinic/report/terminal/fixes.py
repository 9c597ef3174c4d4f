"""What to do: the changes before the next run in full, the others in a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from trainclinic.report import fix_wording
from trainclinic.report.terminal.blocks import labelled, prose, title

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trainclinic.report.model import Document


def fixes(document: Document) -> list[RenderableType]:
    """The section that says what to do; nothing for a run that needs nothing."""
    if not document.fixes:
        return []
    parts = title(fix_wording.HEADING)
    if lead := fix_wording.lead(document):
        parts.append(prose(lead))
    for fix in fix_wording.now(document):
        parts += [Text()] if fix.priority > 1 else []
        parts.append(Text.assemble((f"{fix.priority} ", "bold"), (fix.title, "bold"), (f"  {fix.slug}", "dim")))
        parts.append(labelled(fix_wording.rows(fix), label=9))
    if start := fix_wording.start(document):
        parts += [Text(), Text(start, style="bold")]
    for heading, lines in fix_wording.groups(document):
        parts += [Text(), Text(heading)]
        parts += [Padding(prose(f"- {line}"), (0, 0, 0, 2)) for line in lines]
    return [*parts, Text(), prose(f"{fix_wording.FILES}.")]
