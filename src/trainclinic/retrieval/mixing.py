"""How the channels of a search are mixed, and what a mixed score means.

It knows weights and a curve. It does not know where scores come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
CHANNELS = ("words", "characters", "dense")
COLUMNS = (("words", "question"), ("words", "text"), ("characters", "question"), ("characters", "text"), ("dense", ""))
"""What is mixed: channel and field."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Weights of a search.

    Args:
        words: Weight of words.
        characters: Weight of runs of characters.
        dense: Weight of meaning; the three sum to 1.
        question: Share of the question in the lexical channels; the rest is the text's.
    """

    words: float
    characters: float
    dense: float = 0.0
    question: float = 0.5

    def channels(self, columns: Mapping[tuple[str, str], Scores]) -> dict[str, Scores]:
        """Scores by channel, questions and texts taken together.

        Args:
            columns: Scores by channel and field, each `[passages]`.
        """
        made = {
            channel: self.question * columns[channel, "question"] + (1 - self.question) * columns[channel, "text"]
            for channel in ("words", "characters")
        }
        if ("dense", "") in columns:
            made["dense"] = columns["dense", ""]
        return made

    def mixed(self, channels: Mapping[str, Scores]) -> Scores:
        """The weighted sum of channels, `[passages]`.

        Args:
            channels: Scores by channel.
        """
        weights = {"words": self.words, "characters": self.characters, "dense": self.dense}
        total = sum(np.float32(weights[name]) * scores for name, scores in channels.items())
        return np.asarray(total, np.float32)

    def as_json(self) -> dict[str, float]:
        """Plain values for the manifest."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Curve:
    """From a mixed score to the chance that the data hold an answer (Platt 1999).

    Args:
        slope: Of the logistic curve, above 0.
        offset: Its value at a mixed score of 0, in log-odds.
    """

    slope: float
    offset: float

    def at(self, mixed: float) -> float:
        """Score 0-1.

        Args:
            mixed: A mixed score.
        """
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, self.slope * mixed + self.offset))))


def fit_curve(answered: npt.NDArray[np.float64], foreign: npt.NDArray[np.float64]) -> Curve:
    """The curve for mixed scores of best passages; both groups count alike, however many questions they have.

    A weak pull to a slope of 0 keeps the curve finite where the groups do not overlap. Newton's method.

    Args:
        answered: Scores of questions that the data answer.
        foreign: Scores of questions that they do not.
    """
    scores = np.concatenate([answered, foreign])
    centre = float(scores.mean()) if len(scores) else 0.0
    spread = float(scores.std()) if len(scores) else 0.0
    if not len(answered) or not len(foreign) or spread < 1e-9 or answered.mean() <= foreign.mean():
        return Curve(10.0, -10.0 * centre)
    design = np.stack([(scores - centre) / spread, np.ones(len(scores))], axis=1)
    wanted = np.concatenate([np.ones(len(answered)), np.zeros(len(foreign))])
    weight = np.concatenate([np.full(len(answered), 0.5 / len(answered)), np.full(len(foreign), 0.5 / len(foreign))])
    pull = np.diag([0.01, 0.0001])
    at = np.zeros(2)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ at, -30, 30)))
        slope = design.T @ (weight * (chance - wanted)) + pull @ at
        bend = (design * (weight * chance * (1 - chance))[:, None]).T @ design + pull
        step = np.linalg.solve(bend, slope)
        at = at - step
        if float(np.abs(step).max()) < 1e-9:
            break
    steep = float(at[0]) / spread
    return Curve(steep, float(at[1]) - steep * centre)


def floor_between(answered: npt.NDArray[np.float64], foreign: npt.NDArray[np.float64]) -> float:
    """The score with the fewest mistakes between two groups, in the middle of the best gap; each group counts alike.

    Args:
        answered: Scores 0-1 of questions that the data answer.
        foreign: Scores 0-1 of questions that they do not.
    """
    if not len(answered) or not len(foreign):
        return 0.5
    seen = np.unique(np.concatenate([answered, foreign, [0.0, 1.0]]))
    between = (seen[1:] + seen[:-1]) / 2
    refused = np.searchsorted(np.sort(answered), between) / len(answered)
    accepted = 1 - np.searchsorted(np.sort(foreign), between) / len(foreign)
    wrong = refused + accepted
    best = np.flatnonzero(wrong <= wrong.min() + 1e-12)
    return float(between[best[len(best) // 2]])


def mix_of(told: Mapping[str, Any]) -> Mix:
    """Weights as a manifest holds them.

    Args:
        told: Numbers by name.

    Raises:
        ValueError: If they are no weights.
    """
    try:
        made = Mix(**{name: float(value) for name, value in told.items()})
    except (TypeError, AttributeError) as error:
        message = "its weights cannot be read"
        raise ValueError(message) from error
    if not all(math.isfinite(value) and value >= 0 for value in made.as_json().values()):
        message = "its weights are no numbers"
        raise ValueError(message)
    return made
