"""A finding: what one rule answered, whatever it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trainclinic.catalogue.load import Entry
from trainclinic.catalogue.verdict import Present, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule answered about its subject: present, absent or not evaluated.

    Attributes:
        entry: The rule with its page.
        verdict: The answer.
    """

    entry: Entry[Any]
    verdict: Verdict

    @property
    def is_present(self) -> bool:
        """Whether the symptom is there."""
        return isinstance(self.verdict, Present)

    @property
    def severity(self) -> Severity:
        """Severity of this instance: the rule's, unless the verdict says that this one is milder."""
        milder = self.verdict.severity if isinstance(self.verdict, Present) else None
        return self.entry.rule.severity if milder is None else milder


def in_order(finding: Finding) -> tuple[bool, int, str]:
    """Sort key: present findings first, the most harmful first, then by code."""
    return not finding.is_present, -finding.severity, finding.entry.rule.code
