"""Run every rule over one measured run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from trainclinic import findings
from trainclinic.catalogue.load import Entry, load_entries
from trainclinic.catalogue.verdict import Present, Severity, Verdict

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule answered about one run: present, absent or not evaluated.

    Attributes:
        entry: The rule with its page.
        verdict: The answer.
    """

    entry: Entry[Measured]
    verdict: Verdict

    @property
    def is_present(self) -> bool:
        """Whether the symptom is there."""
        return isinstance(self.verdict, Present)

    @property
    def severity(self) -> Severity:
        """Severity of this instance: the rule's, unless the verdict says that this run's is milder."""
        milder = self.verdict.severity if isinstance(self.verdict, Present) else None
        return self.entry.rule.severity if milder is None else milder


@cache
def all_rules() -> dict[str, Entry[Measured]]:
    """Every rule of this room, by code."""
    return load_entries(findings)


def examine(measured: Measured) -> tuple[Finding, ...]:
    """Ask every rule; present findings first, the most harmful first, then by code."""
    answers = [Finding(entry, entry.rule.check(measured)) for entry in all_rules().values()]
    return tuple(sorted(answers, key=lambda f: (not f.is_present, -f.severity, f.entry.rule.code)))
