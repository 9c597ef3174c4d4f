"""Task metrics beside the evaluation loss: which ones there are, which way is better, and what they did.

A model whose loss rises while its word error rate still falls has become over-confident, not worse. This module knows
names and directions of metrics; it does not know the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.alignment import values_at
from trainclinic.signals.evaluation_noise import ERROR_OF_CHANGE, noise_of_curve

if TYPE_CHECKING:
    from trainclinic.record.series import Floats, Integers, Series
    from trainclinic.signals.measured import Measured

LOWER_IS_BETTER = ("wer", "cer", "ter", "mae", "mse", "rmse", "perplexity")
HIGHER_IS_BETTER = (
    "accuracy", "accuracies", "acc", "f1", "bleu", "sacrebleu", "rouge", "rouge1", "rouge2", "rougel", "rougelsum",
    "exact_match", "em", "token_accuracy", "meteor", "chrf", "auc", "map", "iou", "precision", "recall", "mcc",
)  # fmt: skip
NOT_INDEPENDENT = ("perplexity", "precision", "recall")
"""The exponential of the loss says what the loss says; precision and recall trade against each other."""


@dataclass(frozen=True, slots=True)
class MetricChange:
    """What one task metric did between the best evaluation loss and the end.

    Attributes:
        name: Series name.
        at_best: Value at the evaluation with the lowest loss.
        at_end: Median value at the last evaluations.
        improved: Whether it became better beyond its noise.
    """

    name: str
    at_best: float
    at_end: float
    improved: bool


def direction(name: str) -> int:
    """+1 when higher is better, -1 when lower is better, 0 when the name is no task metric of an evaluation."""
    words = name.lower().replace("/", "_").replace("-", "_").replace(".", "_").split("_")
    if not {"eval", "val", "valid", "validation", "test"} & set(words):
        return 0
    if set(words) & set(LOWER_IS_BETTER):
        return -1
    return 1 if set(words) & set(HIGHER_IS_BETTER) else 0


def metric_change(run: Measured, best_step: int, last_steps: Integers) -> MetricChange | None:
    """Change of the first independent task metric that was logged at the evaluations.

    Args:
        run: The run.
        best_step: Step of the lowest evaluation loss.
        last_steps: Steps of the last evaluations, `[n]`.
    """
    for name, series in run.record.series.items():
        sign = direction(name)
        if not sign or set(name.lower().replace("/", "_").split("_")) & set(NOT_INDEPENDENT):
            continue
        found = _change(series.final().finite(), sign, best_step, last_steps)
        if found is not None:
            return found
    return None


def _change(series: Series, sign: int, best_step: int, last_steps: Integers) -> MetricChange | None:
    at_best = series.at(best_step)
    ends: Floats = values_at(series, last_steps)[0]
    ends = ends[np.isfinite(ends)]
    if at_best is None or not ends.size or len(series) < 3:
        return None
    at_end = float(np.median(ends))
    noise = noise_of_curve(-sign * series.value)
    return MetricChange(
        series.name, at_best, at_end, sign * (at_end - at_best) > ERROR_OF_CHANGE * noise.standard_error
    )
