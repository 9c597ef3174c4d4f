"""From weighed verdicts to the entries that say why: causes, explanations that are ruled out, and tests to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated
from trainclinic.catalogue.wording import words
from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.knowledge import UNKNOWN
from trainclinic.causes.next_tests import all_tests
from trainclinic.report.cause_entries import UNLISTED, CauseEntry, CauseEvidence, NextTestEntry, RuledOutEntry
from trainclinic.report.sections.entries import telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainclinic.catalogue.cause import Cause
    from trainclinic.causes.infer import Inference, Suspect, Weighed
    from trainclinic.causes.next_tests import NextTest
    from trainclinic.causes.refutation import RuledOut

MOST_EVIDENCE = 8
"""Verdicts kept per cause and side: what weighs less than these changes nobody's mind."""
DIGITS = 4
"""Decimals of a probability: more would differ between machines, and say nothing."""


def cause_entries(inference: Inference) -> tuple[CauseEntry, ...]:
    """The causes by probability, an unlisted one among them."""
    listed = (suspect for suspect in inference.suspects if suspect.cause.slug != UNKNOWN)
    held = next(listed, None) if inference.capped else None
    return tuple(_entry(suspect, held=suspect is held) for suspect in inference.suspects)


def ruled_out_entries(inference: Inference) -> tuple[RuledOutEntry, ...]:
    """Popular explanations that a verdict refutes, each with the number that does."""
    return tuple(_ruled_out(refuted) for refuted in inference.ruled_out)


def next_test_entries(inference: Inference) -> tuple[NextTestEntry, ...]:
    """The observations that would change the ranking most for their cost, the best first."""
    return tuple(_next_test(test) for test in inference.next_tests)


def _entry(suspect: Suspect, *, held: bool) -> CauseEntry:
    cause = suspect.cause
    return CauseEntry(
        slug=cause.slug,
        title=cause.title,
        family=cause.family,
        probability=round(suspect.probability, DIGITS),
        says=_first_line(cause),
        evidence_for=_evidence(suspect.supporting, cause),
        evidence_against=_evidence(suspect.opposing, cause),
        decided_by=cause.decisive_test,
        false_diagnosis=cause.false_diagnosis,
        held=held,
    )


def _first_line(cause: Cause) -> str:
    file = all_causes().get(cause.slug)
    return file.page.title.rstrip(".") if file is not None else ""


def _evidence(weighed: Sequence[Weighed], cause: Cause) -> tuple[CauseEvidence, ...]:
    return tuple(_one(item, cause) for item in weighed[:MOST_EVIDENCE])


def _one(weighed: Weighed, cause: Cause) -> CauseEvidence:
    answer, evidence = weighed.answer, _evidence_of(weighed)
    absent = isinstance(answer.verdict, Absent)
    excluding = any(rule.finding == answer.slug for rule in cause.excluded_by) and weighed.weight < 0
    expected = absent and weighed.why and not excluding
    source = evidence.source
    return CauseEvidence(
        code=answer.code,
        slug=answer.slug,
        state="absent" if absent else "present",
        strength=weighed.strength,
        says=evidence.says,
        why=f"it would be expected, because {weighed.why}" if expected else weighed.why,
        path=source.path if source else None,
        line=source.line if source else None,
        key=source.key if source else "",
        step=evidence.step,
    )


def _evidence_of(weighed: Weighed) -> Evidence:
    verdict = weighed.answer.verdict
    known = () if isinstance(verdict, NotEvaluated) else verdict.evidence
    return telling(weighed.answer.code, known) if known else weighed.answer.evidence


def _ruled_out(refuted: RuledOut) -> RuledOutEntry:
    evidence = refuted.answer.evidence
    source = evidence.source
    return RuledOutEntry(
        slug=refuted.cause.slug,
        title=refuted.cause.title,
        because=f"{_read(refuted, evidence)}: {refuted.because}",
        code=refuted.answer.code,
        path=source.path if source else None,
        line=source.line if source else None,
        step=evidence.step,
    )


def _read(refuted: RuledOut, evidence: Evidence) -> str:
    """What was read; for an absence, what it is the absence of, with the number behind that."""
    nothing = f"no {words(refuted.answer.slug)}"
    if not isinstance(refuted.answer.verdict, Absent) or evidence.says == nothing:
        return evidence.says
    return f"{nothing} ({evidence.says})"


def _next_test(test: NextTest) -> NextTestEntry:
    titles = {slug: file.cause.title for slug, file in all_causes().items()} | {UNKNOWN: UNLISTED}
    return NextTestEntry(
        slug=test.slug,
        title=test.question,
        how=test.how,
        kind="run" if test.slug in all_tests() else "log",
        cost=_cost(test.minutes),
        minutes=round(test.minutes, 1),
        gain=round(test.gain, DIGITS),
        decides=tuple(titles.get(slug, words(slug)) for slug in test.separates),
        yes=tuple(titles.get(slug, words(slug)) for slug in test.yes),
        no=tuple(titles.get(slug, words(slug)) for slug in test.no),
    )


def _cost(minutes: float) -> str:
    return f"{max(1, round(minutes))} min" if minutes < 90 else f"{minutes / 60:.1g} h"
