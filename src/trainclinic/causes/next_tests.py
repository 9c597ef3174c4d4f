"""Which observation to make next: expected information gain per minute (Heckerman, Breese and Rommelse 1995).

    gain = H(causes) - sum over answers of P(answer) H(causes | answer)

The candidates are the deciding tests, and every symptom that could not be looked for in this run: what a missing line
of the log would have said is a test too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.catalogue.deciding import DecidingTest
from trainclinic.catalogue.verdict import Absent, NotEvaluated
from trainclinic.catalogue.wording import words
from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.deciding import course, labels, numbers
from trainclinic.causes.knowledge import UNKNOWN, Floats, Knowledge, background

if TYPE_CHECKING:
    from trainclinic.causes.infer import Answer

CERTAIN = 0.95
"""Probability at which another observation is no longer worth its time."""
SMALLEST_GAIN = 0.05
"""Nats: an observation that moves the ranking less is noise."""
OVERHEAD_MINUTES = 2.0
"""What every observation costs a person, however short it is."""
LOGGING_MINUTES = 15.0
"""Adding a line to the log and running until it shows."""
SETTING_MINUTES = 2.0
"""Passing a configuration that exists already."""
MOST_TESTS = 4
CLEAR_SHIFT = 1.5
"""Factor by which an answer must move a cause before it is named as one that the test speaks about."""
NAMED_PROBABILITY = 0.01
"""Below this a cause is not what the test is made for, however far its answer moves it."""
POINTED_PROBABILITY = 0.12
"""Probability after an answer from which a cause is what the answer points to."""
KEPT_SHARE = 0.9
"""An answer that takes more than the rest of this from a cause does not point to it."""
MOST_POINTED = 2


@dataclass(frozen=True, slots=True)
class NextTest:
    """A test that is worth making, the best first.

    Attributes:
        slug: Name of the deciding test, or of the symptom that could not be looked for.
        question: What it asks.
        how: The command or lines, or what to log or pass.
        minutes: What it takes.
        gain: Expected information gain in nats.
        separates: Slugs of the leading causes that its answer moves most.
        yes: Slugs of what is left to suspect after a yes, `unknown` among them, the most probable first.
        no: The same after a no.
    """

    slug: str
    question: str
    how: str
    minutes: float
    gain: float
    separates: tuple[str, ...]
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()


@cache
def all_tests() -> dict[str, DecidingTest]:
    """Every deciding test by slug."""
    return {test.slug: test for module in (numbers, labels, course) for test in module.TESTS}


def next_tests(
    probability: Mapping[str, float], answers: Mapping[str, Answer], known: Knowledge
) -> tuple[NextTest, ...]:
    """The observations that would change the ranking most for their cost.

    Args:
        probability: Of each cause, `unknown` among them.
        answers: Every verdict by slug.
        known: What the causes show.
    """
    if max(probability.values()) >= CERTAIN:
        return ()
    slugs = (*(cause.slug for cause in known.causes), UNKNOWN)
    belief = np.array([probability[slug] for slug in slugs])
    belief /= belief.sum()
    found = [*_made_for_causes(slugs, belief, answers), *_not_looked_for(slugs, belief, answers, known)]
    worth = [test for test in found if test.gain >= SMALLEST_GAIN]
    worth.sort(key=lambda test: (-test.gain / (test.minutes + OVERHEAD_MINUTES), test.slug))
    return tuple(worth[:MOST_TESTS])


def _made_for_causes(slugs: Sequence[str], belief: Floats, answers: Mapping[str, Answer]) -> list[NextTest]:
    found = []
    for test in all_tests().values():
        impossible = any(s in answers and isinstance(answers[s].verdict, Absent) for s in test.requires)
        answered = any(s in answers and not isinstance(answers[s].verdict, NotEvaluated) for s in test.answered_by)
        if impossible or answered:
            continue
        yes = np.array([test.yes.get(slug, test.otherwise) for slug in slugs])
        yes[-1] = (test.otherwise + 0.5) / 2  # an unlisted cause: between what most causes say and not knowing
        named = np.array([slug in test.yes for slug in slugs])
        if not np.any(named & (belief >= NAMED_PROBABILITY)):
            continue  # it could only say that the cause is none of those that it was made for
        found.append(_weighed((test.slug, test.question, test.how, test.minutes), slugs, belief, yes, named))
    return found


def _not_looked_for(
    slugs: Sequence[str], belief: Floats, answers: Mapping[str, Answer], known: Knowledge
) -> list[NextTest]:
    found = []
    for slug, answer in answers.items():
        column = known.column(slug)
        if column is None or not isinstance(answer.verdict, NotEvaluated) or background()[slug].follows:
            continue
        because = np.append(known.shows[:, column], known.unlisted[column])
        yes = 1.0 - (1.0 - known.anyway[column]) * (1.0 - because)
        minutes = SETTING_MINUTES if answer.setting else LOGGING_MINUTES
        question = f"Does the run {'involve' if answer.setting else 'show'} {words(slug)}?"
        how = f"{'Pass' if answer.setting else 'Log or pass'} {answer.verdict.missing}, then diagnose again"
        named = np.array([*(any(e.finding == slug for e in cause.expects) for cause in known.causes), False])
        found.append(_weighed((slug, question, how, minutes), slugs, belief, yes, named))
    return found


def _weighed(
    asked: tuple[str, str, str, float], slugs: Sequence[str], belief: Floats, yes: Floats, named: NDArray[np.bool_]
) -> NextTest:
    """A test with what it is expected to bring and what each answer leaves.

    Args:
        asked: Its slug, what it asks, how to answer it, and the minutes that takes.
        slugs: The causes, shape `[cause]`.
        belief: Their probabilities, same shape.
        yes: P(yes | cause), same shape.
        named: Causes of which the test says something of their own, same shape.
    """
    # Lost time and wrong learning have causes of their own: a test of one side says nothing about the other.
    families = {slug: file.cause.family for slug, file in all_causes().items()}
    timing = np.array([families.get(slug) == "throughput" for slug in slugs])
    sides = set(timing[named & (belief >= NAMED_PROBABILITY)])
    spoken = np.array([side in sides for side in timing]) if sides else np.ones(len(slugs), bool)
    left = (_left(slugs, belief, yes, spoken), _left(slugs, belief, 1.0 - yes, spoken))
    return NextTest(*asked, _gain(belief, yes), _moved(slugs, belief, yes), *left)


def _left(slugs: Sequence[str], belief: Floats, likelihood: Floats, spoken: NDArray[np.bool_]) -> tuple[str, ...]:
    """What an answer points to: probable after it, not made less probable by it, and of what the test speaks of."""
    overall = float(belief @ likelihood)
    if overall <= 0:
        return ()
    after = belief * likelihood / overall
    order = np.argsort(-after, kind="stable")
    kept = [i for i in order if spoken[i] and after[i] >= max(POINTED_PROBABILITY, belief[i] * KEPT_SHARE)]
    return tuple(slugs[i] for i in kept)[:MOST_POINTED]


def _gain(belief: Floats, yes: Floats) -> float:
    """Expected fall of the entropy in nats.

    Args:
        belief: Probabilities, shape `[cause]`.
        yes: P(yes | cause), same shape.
    """
    overall = float(belief @ yes)
    if not 0.0 < overall < 1.0:
        return 0.0
    after = overall * _entropy(belief * yes / overall)
    after += (1.0 - overall) * _entropy(belief * (1.0 - yes) / (1.0 - overall))
    return _entropy(belief) - after


def _entropy(belief: Floats) -> float:
    some = belief[belief > 0]
    return float(-(some * np.log(some)).sum())


def _moved(slugs: Sequence[str], belief: Floats, yes: Floats, most: int = 3) -> tuple[str, ...]:
    """The leading causes whose probability one of the answers changes clearly."""
    overall = float(belief @ yes)
    order = np.argsort(-belief, kind="stable")
    factor = np.maximum(yes / max(overall, 1e-9), (1.0 - yes) / max(1.0 - overall, 1e-9))
    moved = (i for i in order if slugs[i] != UNKNOWN and belief[i] >= NAMED_PROBABILITY and factor[i] >= CLEAR_SHIFT)
    return tuple(slugs[i] for i in moved)[:most]
