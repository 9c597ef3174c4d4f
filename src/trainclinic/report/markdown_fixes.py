"""What to do, as Markdown: a checklist of the changes, each with what to expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.report import fix_wording
from trainclinic.report.markdown_text import code, text

if TYPE_CHECKING:
    from trainclinic.report.model import Document


def fixes(document: Document, sharp: str) -> list[str]:
    """The section that says what to do; nothing for a run that needs nothing.

    Args:
        document: The report.
        sharp: The sign of the level above.
    """
    if not document.fixes:
        return []
    blocks = [f"{sharp}# {fix_wording.HEADING}", text(fix_wording.lead(document))]
    for fix in fix_wording.now(document):
        lines = [f"- [ ] **{fix.priority}. {text(fix.title)}** {code(fix.slug)}"]
        lines += [f"  - {label}: {text(sentence)}" for label, sentence in fix_wording.rows(fix)]
        blocks.append("\n".join(lines))
    if start := fix_wording.start(document):
        blocks.append(f"**{text(start)}.**")
    for heading, told in fix_wording.groups(document):
        blocks += [f"**{heading}**", "\n".join(f"- {text(line)}" for line in told)]
    return [*filter(None, blocks), f"{text(fix_wording.FILES)}."]
