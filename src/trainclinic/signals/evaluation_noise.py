"""How far an evaluation metric moves when nothing has changed.

Two sources: the size of the sample when every evaluation draws new crops (SIGNALS 3.3), and what is left of the logged
curve after its best falling-then-rising fit. It does not know whether a curve is good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.unimodal import fit_unimodal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Floats
    from trainclinic.signals.measured import Measured

CROP_DEVIATION = 0.5
"""Nats between the losses of single random crops of 256 tokens of prose: 0.4-0.6 (SIGNALS 3.3)."""

PRIOR_SHARE, PRIOR_FREE = 0.005, 3
"""Before seeing the curve: one evaluation errs by 0.5 % of its level, believed as much as 3 residuals would be.

It keeps a handful of evaluations that happen to lie on a smooth curve from claiming no error at all.
"""

EXCURSION = 6.0
"""A single evaluation this many standard errors above both neighbours is an excursion and no measure of noise."""

MIN_FREE, LARGE_EXCURSION = 2, 0.2
"""With fewer residuals left any zigzag looks like an excursion, so it must also be 20 % of the level."""

ERROR_OF_CHANGE = 2.0
"""Standard errors that a change must exceed to be one (SIGNALS 5)."""

ROWS = 512
"""Evaluations looked at; longer histories are thinned evenly."""


@dataclass(frozen=True, slots=True)
class EvaluationNoise:
    """Standard error of one evaluation.

    Attributes:
        standard_error: In units of the metric.
        how: `crops` from the number of crops, `residuals` from the curve and the prior.
        evaluations: Number of evaluations the curve gave.
        free: Residuals that the fit left free.
        sequences: Crops averaged in one evaluation, when known.
        excursions: Steps (row numbers without any) of single evaluations far above both neighbours, left out of it.
    """

    standard_error: float
    how: Literal["crops", "residuals"]
    evaluations: int
    free: int = 0
    sequences: int | None = None
    excursions: tuple[int, ...] = ()

    @property
    def is_assumed(self) -> bool:
        """Whether the curve left no residual, so that the error is what was believed before seeing it."""
        return self.how == "residuals" and self.free < 1

    @property
    def quantile(self) -> float:
        """Errors that a change must exceed: 2, and more when the error is estimated from few residuals.

        Student's t, one-sided 97.7 %, approximated within 4 % (derived).
        """
        if self.how == "crops":
            return ERROR_OF_CHANGE
        free = self.free + PRIOR_FREE
        return ERROR_OF_CHANGE * (1 + 1.25 / free + 4.7 / free**3)


def noise_of_curve(value: Floats, half_unit: float = 0.0, crop_error: float | None = None) -> EvaluationNoise:
    """Standard error of the values of one metric over evaluations.

    Args:
        value: Finite values in order, `[n]`; lower is better.
        half_unit: Half a unit of the last printed digit.
        crop_error: Standard error from the sample size, when every evaluation draws new crops.
    """
    keep, excursions = _without_excursions(value, crop_error)
    thinned = value[keep]
    if thinned.size > ROWS:
        thinned = thinned[np.linspace(0, thinned.size - 1, ROWS).astype(np.int64)]
    deviation, free = _deviation(thinned)
    if crop_error is not None:
        return EvaluationNoise(max(crop_error, half_unit), "crops", value.size, free, None, excursions)
    return EvaluationNoise(max(deviation, half_unit), "residuals", value.size, free, None, excursions)


def crop_error_of(run: Measured) -> tuple[float, int] | None:
    """Standard error and number of crops when a custom loop averages a known number of random crops."""
    facts = run.record.facts
    batches, batch = facts.number("evaluation_batches"), facts.number("micro_batch_size")
    if not batches or not batch or batches * batch < 1:
        return None
    length = facts.number("sequence_length") or 256.0
    sequences = int(batches * batch)
    return CROP_DEVIATION * math.sqrt(256.0 / length) / math.sqrt(sequences), sequences


def evaluation_noise_of(run: Measured) -> EvaluationNoise | None:
    """Noise of the evaluation loss, or `None` without any."""
    loss = run.eval_rows
    if loss is None:
        return None
    crops = crop_error_of(run)
    found = noise_of_curve(loss.value, float(np.max(loss.half_unit())), crops[0] if crops else None)
    steps = tuple(int(loss.step[row]) for row in found.excursions)
    return replace(found, sequences=crops[1] if crops else None, excursions=steps)


def _deviation(value: Floats) -> tuple[float, int]:
    """Deviation of single evaluations, the curve's residuals pooled with the prior, and the residuals left free."""
    prior = PRIOR_SHARE * float(np.median(np.abs(value))) if value.size else 0.0
    if value.size < 3:
        return prior, 0
    fit = fit_unimodal(value)
    free = value.size - fit.levels
    squares = float(np.sum((value - fit.fitted) ** 2))
    return math.sqrt((PRIOR_FREE * prior**2 + squares) / (PRIOR_FREE + free)), free


def _without_excursions(value: Floats, crop_error: float | None) -> tuple[NDArray[np.intp], tuple[int, ...]]:
    """Row numbers that are no excursions, and those that are (at most three, never the first or last)."""
    keep = np.arange(value.size)
    found: list[int] = []
    while keep.size >= 5 and len(found) < 3:
        current = value[keep]
        above = current[1:-1] - np.maximum(current[:-2], current[2:])
        peak = int(np.argmax(above)) + 1
        rest = np.delete(current, peak)
        deviation, free = (crop_error, MIN_FREE) if crop_error is not None else _deviation(rest[:ROWS])
        large = free >= MIN_FREE or above[peak - 1] > LARGE_EXCURSION * float(np.median(np.abs(rest)))
        if not large or not above[peak - 1] > EXCURSION * deviation:
            break
        found.append(int(keep[peak]))
        keep = np.delete(keep, peak)
    return keep, tuple(sorted(found))
