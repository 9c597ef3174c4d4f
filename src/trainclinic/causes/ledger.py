"""The evidence ledger: verdicts in, probabilities out.

A grouped, tempered, leaky naive Bayes over the healthy explanations, every single cause, every pair of causes, and a
cause that is not listed. Inside a hypothesis causes act as a noisy-OR (Pearl 1988, ch. 4.3.2): a finding is absent only
when neither the background nor any of its causes produces it. A verdict that could not be reached contributes nothing.

    weight(verdict, hypothesis) = ln P(verdict | hypothesis) / P(verdict | background), within caps

Verdicts of one group are not independent. Inside a group the largest weight counts in full and each further one of the
same sign by `DISCOUNT` less, which keeps three promises that a plain tempered sum breaks: order is irrelevant, a weight
in favour never lowers the sum, and taking evidence away moves towards the prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainclinic.causes.knowledge import HEALTHY_FAMILY, UNKNOWN_SHARE, Floats, Knowledge

DISCOUNT = 0.5
"""Share that each further verdict of a group keeps."""
EXCLUSION = 7.0
"""Nats that a hard exclusion costs: 1,100 to 1 against."""


@dataclass(frozen=True, eq=False)
class Ledger:
    """Probabilities of one run.

    Attributes:
        probability: Marginal probability of each cause (alone or in a pair), shape `[cause]`.
        unknown: Probability that the cause is none of the listed ones.
        weights: Weight of each verdict for each single cause in nats, shape `[cause, verdict]`.
        unknown_weights: Weight of each verdict for the unlisted cause, shape `[verdict]`.
        columns: Column of each verdict in the knowledge.
        present: Whether each verdict is `Present`.
        single: Probability of each cause alone, shape `[cause]`.
    """

    probability: Floats
    unknown: float
    weights: Floats
    unknown_weights: Floats
    columns: NDArray[np.int64]
    present: NDArray[np.bool_]
    single: Floats


def weigh(states: Mapping[str, bool], known: Knowledge, *, harmful: bool = False) -> Ledger:
    """Turn verdicts into probabilities.

    Args:
        states: Slug of every finding that could be looked for, and whether it is present.
        known: What the causes show.
        harmful: Whether a finding is present that no healthy run has: it excludes every healthy explanation.
    """
    pairs = [(column, state) for slug, state in sorted(states.items()) if (column := known.column(slug)) is not None]
    columns = np.array([column for column, _ in pairs], dtype=np.int64)
    present = np.array([state for _, state in pairs], dtype=np.bool_)
    silent = np.log1p(-known.shows[:, columns])
    alone, couple = _exclusions(states, known)
    alone |= harmful & np.array([cause.family == HEALTHY_FAMILY for cause in known.causes])
    first, second = _couples(known)

    singles = _weights(silent, known, columns, present)
    couples = _weights(silent[first] + silent[second], known, columns, present)
    unlisted = _weights(np.log1p(-known.unlisted[None, columns]), known, columns, present)

    group = known.group[columns]
    prior = known.prior
    scores = np.concatenate(
        [
            np.log(prior) + known.sharpness * _total(singles, group) - EXCLUSION * alone,
            np.log(prior[first] * prior[second])
            + known.sharpness * _total(couples, group)
            - EXCLUSION * couple[first, second],
            np.log(UNKNOWN_SHARE) + known.sharpness * _total(unlisted, group),
        ]
    )
    posterior = np.exp(scores - scores.max())
    posterior /= posterior.sum()
    count = len(prior)
    single, both, unknown = posterior[:count], posterior[count:-1], float(posterior[-1])
    marginal = single.copy()
    np.add.at(marginal, first, both)
    np.add.at(marginal, second, both)
    return Ledger(marginal, unknown, singles, unlisted[0], columns, present, single)


def _couples(known: Knowledge) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of faults. A healthy explanation is one because nothing else is wrong: it forms no pair."""
    faults = np.array([i for i, cause in enumerate(known.causes) if cause.family != HEALTHY_FAMILY], dtype=np.int64)
    left, right = np.triu_indices(len(faults), k=1)
    return faults[left], faults[right]


def _weights(silent: Floats, known: Knowledge, columns: NDArray[np.int64], present: NDArray[np.bool_]) -> Floats:
    """Weights in nats, shape `[hypothesis, verdict]`.

    Args:
        silent: ln of the probability that no cause of the hypothesis produces the finding, same shape.
        known: What the causes show.
        columns: Columns of the verdicts.
        present: Whether each verdict is `Present`.
    """
    anyway = known.anyway[columns]
    seen = np.log((1.0 - (1.0 - anyway) * np.exp(silent)) / anyway)
    return np.maximum(np.where(present, seen, silent), -known.cap_against[columns])


def _total(weights: Floats, group: NDArray[np.int64]) -> Floats:
    """Sum over groups, discounted inside each, shape `[hypothesis]`."""
    total = np.zeros(len(weights))
    for name in np.unique(group):
        block = weights[:, group == name]
        factors = DISCOUNT ** np.arange(block.shape[1])
        total += -np.sort(-np.maximum(block, 0.0), axis=1) @ factors
        total += np.sort(np.minimum(block, 0.0), axis=1) @ factors
    return total


def _exclusions(states: Mapping[str, bool], known: Knowledge) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which causes, and which pairs, cannot be reconciled with what was seen.

    A finding that one cause cannot produce says nothing against it when the other cause of a pair produces it. What a
    cause cannot be without is missing whatever else is at work, and a circumstance is produced by no cause.

    Returns:
        Shape `[cause]` and shape `[cause, cause]`.
    """
    count = len(known.causes)
    foreign = np.zeros((count, len(known.findings)), dtype=np.int64)
    lacking = np.zeros(count, dtype=np.bool_)
    for row, cause in enumerate(known.causes):
        for rule in cause.excluded_by:
            column, state = known.column(rule.finding), states.get(rule.finding)
            if rule.when == "absent":
                lacking[row] |= state is False
            elif state is True and column is not None and known.permits[column]:
                lacking[row] = True
            elif state is True and column is not None:
                foreign[row, column] = 1
    alone = lacking | foreign.any(axis=1)
    unexplained = foreign @ (known.shows == 0).T.astype(np.int64) > 0
    return alone, unexplained | unexplained.T | lacking[:, None] | lacking[None, :]
