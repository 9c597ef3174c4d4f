"""Findings as entries: what was seen, what it means and what it does not, and what could not be looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity
from trainclinic.report.model import AbsentEntry, FindingEntry, NotEvaluatedEntry, Observation, SeverityWord

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding

_LINE_END = re.compile(r"[ \t]*\n(?!- )\s*")
EVIDENCE = 12
"""Observations kept per finding; a rule that found more says how many in its first one."""
COMPARISON = "CMP"
"""How codes of comparisons begin: their evidence is one thing, the other, and the difference when there is one."""
ASIDES = frozenset({
    "bfloat16-dtype-printed", "divergence-at-peak-learning-rate", "drop-in-decay-phase",
    "finite-loss-with-nan-gradient-norm", "first-loss-at-objective-baseline", "joint-fall-to-zero", "late-nan-onset",
    "learning-rate-zero-at-planned-end", "normal-eval-beside-abnormal-train", "persistent-nan", "plausible-first-loss",
    "recovering-nan-rows", "rise-repeated-after-resume", "spike-at-data-boundary", "wrong-value-before-first-update",
    "zero-gradient-norm-from-save", "zero-gradient-norm-from-start", "zero-loss-from-start",
})  # fmt: skip
"""Notes that causes are told apart by: when or where another symptom arose, or that something is as it should be."""


def present_entries(findings: Sequence[Finding]) -> tuple[FindingEntry, ...]:
    """The symptoms that are there, in the order given, what is only noted last."""
    present = [_present(finding, finding.verdict) for finding in findings if isinstance(finding.verdict, Present)]
    return tuple(sorted(present, key=lambda entry: entry.aside))


def absent_entries(findings: Sequence[Finding]) -> tuple[AbsentEntry, ...]:
    """The symptoms that were looked for and are not there, by code."""
    entries = [
        AbsentEntry(
            code=finding.entry.rule.code,
            slug=finding.entry.rule.slug,
            title=_sentence(finding.entry.page.title),
            group=finding.entry.group,
            evidence=tuple(observation(evidence) for evidence in finding.verdict.evidence[:EVIDENCE]),
        )
        for finding in findings
        if isinstance(finding.verdict, Absent)
    ]
    return tuple(sorted(entries, key=lambda entry: entry.code))


def not_evaluated_entries(findings: Sequence[Finding]) -> tuple[NotEvaluatedEntry, ...]:
    """The symptoms that could not be looked for, by code, with what would make them visible."""
    entries = [
        NotEvaluatedEntry(
            code=finding.entry.rule.code,
            slug=finding.entry.rule.slug,
            title=_sentence(finding.entry.page.title),
            group=finding.entry.group,
            missing=finding.verdict.missing,
        )
        for finding in findings
        if isinstance(finding.verdict, NotEvaluated)
    ]
    return tuple(sorted(entries, key=lambda entry: entry.code))


def telling(code: str, evidence: Sequence[Evidence]) -> Evidence:
    """The observation that says most by itself: the first, but of two things that are compared what tells them apart.

    Args:
        code: Code of the rule or circumstance.
        evidence: At least one observation, in the order of the verdict.
    """
    if not code.startswith(COMPARISON) or len(evidence) == 1:
        return evidence[0]
    if len(evidence) == 3 and "`" in evidence[2].says:
        return evidence[2]
    return replace(evidence[0], says=f"{evidence[0].says}; {evidence[1].says}")


def observation(evidence: Evidence) -> Observation:
    """One piece of evidence as plain values."""
    source = evidence.source
    return Observation(
        says=evidence.says,
        path=source.path if source else None,
        line=source.line if source else None,
        key=source.key if source else "",
        step=evidence.step,
        series=evidence.series,
    )


def _present(finding: Finding, verdict: Present) -> FindingEntry:
    rule, page = finding.entry.rule, finding.entry.page
    return FindingEntry(
        code=rule.code,
        slug=rule.slug,
        title=_sentence(page.title),
        group=finding.entry.group,
        severity=cast("SeverityWord", finding.severity.name.lower()),
        says=telling(rule.code, verdict.evidence).says,
        evidence=tuple(observation(evidence) for evidence in verdict.evidence[:EVIDENCE]),
        means=verdict.means or _paragraph(page.sections["Why it matters"]),
        does_not_mean=_paragraph(page.sections["What it does not mean"]),
        check=_paragraph(page.sections["Check it by hand"]),
        settle=verdict.settle,
        aside=finding.severity is Severity.NOTE and rule.slug in ASIDES,
    )


def _sentence(title: str) -> str:
    return title.rstrip(".")


def _paragraph(text: str) -> str:
    """Docstring lines joined into paragraphs; blank lines and list items keep their line."""
    return "\n\n".join(_LINE_END.sub(" ", part.strip()) for part in text.split("\n\n"))
