"""What a page leaves out of each run when it shows many."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.report.model import Document

EVIDENCE = 2
ROWS = 12
CAUSES = 3


def brief(document: Document) -> Document:
    """The document without what the same command on that one run would show: facts, absences, long evidence."""
    findings = tuple(
        dataclasses.replace(finding, evidence=finding.evidence[:EVIDENCE]) for finding in document.findings
    )
    causes = tuple(
        dataclasses.replace(c, evidence_for=c.evidence_for[:EVIDENCE], evidence_against=c.evidence_against[:EVIDENCE])
        for c in document.causes[:CAUSES]
    )
    return dataclasses.replace(
        document,
        findings=findings,
        causes=causes,
        next_tests=document.next_tests[:1],
        fixes=tuple(fix for fix in document.fixes if fix.group == "now"),
        timeline=document.timeline[:ROWS],
        absent=(),
        facts=(),
        not_evaluated=(),
    )
