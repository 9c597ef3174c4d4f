"""Popular explanations that the evidence refutes, each with the number that refutes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.catalogue.cause import Cause
from trainclinic.catalogue.verdict import NotEvaluated
from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.knowledge import HEALTHY_FAMILY, UNKNOWN
from trainclinic.causes.ledger import EXCLUSION

if TYPE_CHECKING:
    from trainclinic.causes.infer import Answer
    from trainclinic.causes.knowledge import Knowledge
    from trainclinic.causes.ledger import Ledger

POPULAR = (
    "learning-rate-too-high",
    "learning-rate-too-low",
    "missing-gradient-clipping",
    "batch-size-too-small",
    "block-size-too-large",
    "mps-instability",
    "corrupt-input-data",
    "chat-template-mismatch",
    "overfitting",
    "memory-swapping",
    "thermal-throttling",
)
"""What people say first of nearly every broken run, whatever is wrong with it."""
REFUTED_PROBABILITY = 0.02
"""Above this an explanation is unlikely, not ruled out: reports list it among the possible causes."""
REFUTING_WEIGHT = -1.5
"""Nats that one verdict must weigh before it refutes: 4.5 to 1 against, on top of a probability below the limit."""
LEADING = 3
"""Explanations that are confused with one of this many leading causes are worth a line too."""


@dataclass(frozen=True, slots=True)
class RuledOut:
    """An explanation that the evidence refutes.

    Attributes:
        cause: The explanation.
        answer: The verdict that refutes it.
        because: Why both cannot be true, in one clause.
    """

    cause: Cause
    answer: Answer
    because: str


def ruled_out(
    answers: Mapping[str, Answer], probability: Mapping[str, float], ledger: Ledger, known: Knowledge
) -> tuple[RuledOut, ...]:
    """Explanations that people would offer for this run and that a verdict refutes.

    Args:
        answers: Every verdict by slug.
        probability: Of each cause.
        ledger: The weights.
        known: What the causes show.
    """
    leading = sorted((slug for slug in probability if slug != UNKNOWN), key=lambda s: -probability[s])[:LEADING]
    offered = dict.fromkeys(POPULAR)
    for slug in leading:
        offered |= dict.fromkeys(all_causes()[slug].cause.confused_with)
    rows = {cause.slug: row for row, cause in enumerate(known.causes)}
    found: list[tuple[float, RuledOut]] = []
    for slug in offered:
        row = rows.get(slug)
        if row is None or probability[slug] > REFUTED_PROBABILITY or known.causes[row].family == HEALTHY_FAMILY:
            continue
        refuted = _refuted(known.causes[row], row, answers, ledger, known)
        if refuted is not None:
            found.append(refuted)
    # The heaviest first; of equal weight, what people say most often.
    return tuple(refuted for _, refuted in sorted(found, key=lambda pair: -pair[0]))


def _refuted(
    cause: Cause, row: int, answers: Mapping[str, Answer], ledger: Ledger, known: Knowledge
) -> tuple[float, RuledOut] | None:
    """The verdict that refutes a cause, with its weight: an exclusion, else the absence with a number that weighs most.

    An absence without a number convinces nobody.
    """
    for rule in cause.excluded_by:
        answer = answers.get(rule.finding)
        if answer is None or not rule.fires_on(answer.verdict):
            continue
        if rule.when == "present" or _has_number(answer):
            return EXCLUSION, RuledOut(cause, answer, rule.because)
    against = [
        (-float(weight), known.findings[column])
        for column, weight, seen in zip(ledger.columns, ledger.weights[row], ledger.present, strict=True)
        if not seen and weight <= REFUTING_WEIGHT and _has_number(answers[known.findings[column]])
    ]
    if not against:
        return None
    weight, slug = max(against)
    why = next(expect.why for expect in cause.expects if expect.finding == slug)
    return weight, RuledOut(cause, answers[slug], f"it would be expected, because {why}")


def _has_number(answer: Answer) -> bool:
    """Whether a verdict says what was looked at, with its number or its setting."""
    verdict = answer.verdict
    if isinstance(verdict, NotEvaluated) or not verdict.evidence:
        return False
    return any(mark.isdigit() or mark == "`" for mark in verdict.evidence[0].says)
