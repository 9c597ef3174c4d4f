"""From verdicts to an answer that explains itself: ranked causes, what is ruled out, what would settle it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainclinic.catalogue.cause import Cause
from trainclinic.catalogue.verdict import Evidence, NotEvaluated, Present, Verdict
from trainclinic.catalogue.wording import words
from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.knowledge import HEALTHY_FAMILY, UNKNOWN, Knowledge, knowledge
from trainclinic.causes.ledger import EXCLUSION, Ledger, weigh
from trainclinic.causes.next_tests import NextTest, next_tests
from trainclinic.causes.refutation import RuledOut, ruled_out

LOG_ONLY_CAP = 0.80
"""Largest probability that a log can earn: other causes leave the same log."""
WITHOUT_PROOF_CAP = 0.90
"""Largest probability with log and configuration."""
PROVEN_CAP = 0.97
"""Largest probability at all: proofs have bugs too."""
SETTINGS_NEEDED = 4
"""Circumstances that must be known before a configuration counts as seen."""
TOLD_WEIGHT = 0.3
"""Nats below which a verdict is not worth a line."""
TOLD_PROBABILITY = 0.01
"""Below one in a hundred a cause is noise of the tables."""
MOST_CAUSES = 8
"""More rows than fit on a screen are read by nobody."""
CURVE_JUDGED = "nan-loss"
"""Where this could not be looked for, no curve was judged, and nothing can be called ordinary."""

Strength = Literal["decisive", "strong", "moderate", "weak"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict with its name: what this room knows of a run.

    Attributes:
        code: Code of the rule or circumstance.
        slug: Its slug.
        verdict: What it answered.
        setting: Whether it is a circumstance, read from a configuration, and no symptom.
        harmful: Whether it is a symptom that is there and that no healthy run has.
    """

    code: str
    slug: str
    verdict: Verdict
    setting: bool = False
    harmful: bool = False

    @property
    def evidence(self) -> Evidence:
        """What was read; for an absence without numbers, that it was looked for."""
        if not isinstance(self.verdict, NotEvaluated) and self.verdict.evidence:
            return self.verdict.evidence[0]
        return Evidence(f"no {words(self.slug)}")


@dataclass(frozen=True, slots=True)
class Weighed:
    """One verdict, weighed for one cause.

    Attributes:
        answer: The verdict.
        weight: Nats; positive speaks for the cause.
        why: The mechanism that makes it count, in one clause; empty when the cause says nothing of it.
    """

    answer: Answer
    weight: float
    why: str

    @property
    def strength(self) -> Strength:
        """The weight in a word: over 50 to 1, over 7 to 1, over 2.7 to 1, less."""
        size = abs(self.weight)
        return "decisive" if size >= 4 else "strong" if size >= 2 else "moderate" if size >= 1 else "weak"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A cause with its probability and its ledger.

    Attributes:
        cause: The cause.
        probability: Marginal probability, alone or together with another.
        supporting: Verdicts that speak for it, the heaviest first.
        opposing: Verdicts that speak against it, the heaviest first.
    """

    cause: Cause
    probability: float
    supporting: tuple[Weighed, ...] = ()
    opposing: tuple[Weighed, ...] = ()


@dataclass(frozen=True, eq=False)
class Inference:
    """What the verdicts say about causes.

    Attributes:
        suspects: Causes that the evidence made more probable than they were, by probability, and `unknown`.
        ruled_out: Popular explanations that the evidence refutes.
        next_tests: What would change the ranking most for its cost.
        healthy_probability: That nothing is wrong with the run.
        capped: Whether the first probability was held down because no proof supports it.
        ledger: The numbers behind it.
    """

    suspects: tuple[Suspect, ...]
    ruled_out: tuple[RuledOut, ...]
    next_tests: tuple[NextTest, ...]
    healthy_probability: float
    capped: bool
    ledger: Ledger


def infer(answers: Sequence[Answer], known: Knowledge | None = None) -> Inference:
    """Weigh all verdicts on one run.

    Args:
        answers: Every verdict; order is irrelevant, those that were not evaluated count neither way.
        known: What the causes show; by default what this release was fitted to.
    """
    known = known or knowledge()
    states = {a.slug: isinstance(a.verdict, Present) for a in answers if not isinstance(a.verdict, NotEvaluated)}
    ledger = weigh(states, known, harmful=any(answer.harmful for answer in answers))
    probability = {cause.slug: float(p) for cause, p in zip(known.causes, ledger.probability, strict=True)}
    probability[UNKNOWN] = ledger.unknown
    probability, capped = _capped(probability, answers, ledger, known)
    by_slug = {answer.slug: answer for answer in answers}
    rows = {cause.slug: row for row, cause in enumerate(known.causes)}
    refuted = ruled_out(by_slug, probability, ledger, known)
    untold = {one.cause.slug for one in refuted}
    suspects: list[Suspect] = []
    for slug in sorted(probability, key=lambda s: (-probability[s], s)):
        row = rows.get(slug)
        if slug in untold or not (row is None or _is_told(row, probability[slug], states, known, ledger)):
            continue
        if len(suspects) >= MOST_CAUSES and slug != UNKNOWN:
            continue
        cause = all_causes()[slug].cause
        weighed = _weighed(cause, row, ledger, known, by_slug)
        suspects.append(
            Suspect(
                cause,
                probability[slug],
                tuple(sorted((w for w in weighed if w.weight > 0), key=lambda w: -w.weight)),
                tuple(sorted((w for w in weighed if w.weight < 0), key=lambda w: w.weight)),
            )
        )
    return Inference(
        tuple(suspects),
        refuted,
        next_tests(probability, by_slug, known),
        sum(probability[cause.slug] for cause in known.causes if cause.family == HEALTHY_FAMILY),
        capped,
        ledger,
    )


def _is_told(row: int, probability: float, states: dict[str, bool], known: Knowledge, ledger: Ledger) -> bool:
    """Whether a listed cause belongs in the answer.

    A fault does when something speaks for it and made it more probable than it was, a healthy explanation when a curve
    was judged.
    """
    if known.causes[row].family == HEALTHY_FAMILY:
        return probability > TOLD_PROBABILITY and CURVE_JUDGED in states
    supported = bool(np.any(ledger.weights[row] >= TOLD_WEIGHT))
    return supported and probability > max(TOLD_PROBABILITY, float(known.prior[row]))


def _capped(
    probability: dict[str, float], answers: Sequence[Answer], ledger: Ledger, known: Knowledge
) -> tuple[dict[str, float], bool]:
    """Hold the first probability below what this kind of evidence can carry; the rest becomes unknown."""
    row = max(range(len(known.causes)), key=lambda row: probability[known.causes[row].slug])
    first = known.causes[row].slug
    proven = known.proof[ledger.columns]
    settings = sum(answer.setting and not isinstance(answer.verdict, NotEvaluated) for answer in answers)
    if np.any(ledger.weights[row][proven] > 0):
        cap = PROVEN_CAP
    else:
        cap = WITHOUT_PROOF_CAP if settings >= SETTINGS_NEEDED else LOG_ONLY_CAP
    excess = probability[first] - cap
    if excess <= 0:
        return probability, False
    return probability | {first: cap, UNKNOWN: probability[UNKNOWN] + excess}, True


def _weighed(
    cause: Cause, row: int | None, ledger: Ledger, known: Knowledge, answers: dict[str, Answer]
) -> list[Weighed]:
    """Every verdict that is worth a line for one cause, exclusions included."""
    reasons = {expect.finding: expect.why for expect in cause.expects}
    weights = ledger.unknown_weights if row is None else ledger.weights[row]
    found = [
        Weighed(answers[known.findings[column]], float(weight), reasons.get(known.findings[column], ""))
        for column, weight in zip(ledger.columns, weights, strict=True)
        if abs(weight) >= TOLD_WEIGHT
    ]
    excluding: dict[str, str] = {}
    if cause.family == HEALTHY_FAMILY:
        excluding = {slug: "no healthy run shows it" for slug, answer in answers.items() if answer.harmful}
    for rule in cause.excluded_by:
        answer = answers.get(rule.finding)
        if answer is not None and rule.fires_on(answer.verdict):
            excluding[rule.finding] = rule.because
    found = [weighed for weighed in found if weighed.answer.slug not in excluding]
    return found + [Weighed(answers[slug], -EXCLUSION, because) for slug, because in excluding.items()]
