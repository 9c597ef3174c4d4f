"""Which plateau: where a flat stretch lies against the baselines, and whether the learning rate was still alive there.

First match wins, from the most to the least telling. These are positions, not causes: a plateau at the unigram entropy
has two quite different causes, and one inside the reference range is what convergence looks like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from trainclinic.signals.loss_baselines import Baselines
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.trend import Plateau

Place = Literal[
    "unigram",
    "typical-unigram",
    "uniform",
    "learning-rate-exhausted",
    "above-reference",
    "within-reference",
    "unplaced",
]

UNIGRAM_HALF_WIDTH = 0.15
"""Nats; the measured plateau of a model without context lay 0.09 above the unigram entropy of its data."""

TYPICAL_HALF_WIDTH = 0.5
"""Nats; unigram entropies of English prose, chats and plays span 6.1-6.7."""

UNIFORM_HALF_WIDTH = 0.3
"""Nats; as for a first loss."""

REFERENCE_MARGIN = 0.5
"""Nats above the highest known end of fine-tuning: other text, other language, template tokens."""

EXHAUSTED_RATE = 0.05
"""Learning rate at the start of the plateau as a share of its peak, below which flatness is the schedule's."""

EXHAUSTED_SUM = 0.02
"""Summed learning rate after that point as a share of the whole sum."""


@dataclass(frozen=True, slots=True)
class PlateauPlace:
    """Where a plateau lies.

    Attributes:
        place: The first matching description.
        against: The level that it is compared with, nats; `None` for `unplaced` and `learning-rate-exhausted`.
        rate_left: Learning rate at the start of the plateau over its peak; `None` when no rate was logged.
        sum_left: Summed learning rate along the plateau over the whole sum; `None` when no rate was logged.
    """

    place: Place
    against: float | None
    rate_left: float | None
    sum_left: float | None


def place_plateau(run: Measured, plateau: Plateau) -> PlateauPlace:
    """Compare a plateau with the run's baselines and learning rate."""
    rate, total = _learning_rate_left(run, plateau.start_step)
    by_level = _by_level(plateau.level, run.baselines)
    if by_level is not None and by_level[0] in ("unigram", "typical-unigram", "uniform"):
        return PlateauPlace(by_level[0], by_level[1], rate, total)
    if (rate is not None and rate < EXHAUSTED_RATE) or (total is not None and total < EXHAUSTED_SUM):
        return PlateauPlace("learning-rate-exhausted", None, rate, total)
    if by_level is None:
        return PlateauPlace("unplaced", None, rate, total)
    return PlateauPlace(by_level[0], by_level[1], rate, total)


def _by_level(level: float, baselines: Baselines | None) -> tuple[Place, float] | None:
    if baselines is None:
        return None
    if baselines.unigram is not None and abs(level - baselines.unigram) < UNIGRAM_HALF_WIDTH:
        return "unigram", baselines.unigram
    if baselines.uniform is not None and abs(level - baselines.uniform) < UNIFORM_HALF_WIDTH:
        return "uniform", baselines.uniform
    typical = baselines.typical_unigram if baselines.unigram is None else None
    if typical is not None and abs(level - typical) < TYPICAL_HALF_WIDTH:
        return "typical-unigram", typical
    if baselines.reference is None:
        return None
    highest = baselines.reference.tuned[1] + REFERENCE_MARGIN
    return ("above-reference" if level > highest else "within-reference"), highest


def _learning_rate_left(run: Measured, start_step: int) -> tuple[float | None, float | None]:
    rate = run.record.get("train/learning_rate")
    rate = rate.final().finite() if rate is not None else None
    if rate is None or len(rate) < 2 or float(rate.value.max()) <= 0:
        return None, None
    at = min(int(np.searchsorted(rate.step, start_step)), len(rate) - 1)
    area = 0.5 * (rate.value[1:] + rate.value[:-1]) * np.diff(rate.step)
    total = float(area.sum())
    left = float(area[at:].sum()) / total if total > 0 else None
    return float(rate.value[at]) / float(rate.value.max()), left
