"""Whether what is learned holds on data that is not trained on: the evaluation curve beside the training curve.

Rising evaluation loss, a gap that grows while the evaluation holds its level (memorisation that costs nothing yet), and
both losses rising together are three different things (SIGNALS 5). This module tells them apart with their errors; it
does not know why, and a state is no fault.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.evaluation_metrics import MetricChange, metric_change
from trainclinic.signals.evaluation_noise import ERROR_OF_CHANGE, EvaluationNoise, evaluation_noise_of
from trainclinic.signals.train_at_evaluation import TrainLevels, train_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Floats, Integers, Series
    from trainclinic.signals.measured import Measured

State = Literal["rising", "rising-alone", "rising-together", "memorising", "falling", "flat", "insufficient"]

SHARE = 0.01
"""Change of the level that matters in practice: checkpoints within 1 % of each other serve alike."""

MIN_EVALUATIONS = 4
"""With fewer, a single odd evaluation makes or hides a minimum (SIGNALS 5)."""

CLEAR_SHARE, CLEAR_TRAIN_SHARE = 0.03, 0.05
"""With three evaluations: each rises by 3 % of the best or more, and training loss falls by 5 %."""

MEMORISED_SHARE = 0.2
"""The gap has grown by this share of the evaluation loss while that loss held: the model knows the training rows."""

FEW_EVALUATIONS, FEWEST_DIFFERENCES, ROUGH_ERRORS = 8, 2, 3.0
"""Up to so many evaluations a rise must also exceed three errors by the second differences, if there are two of them.

By simulation, 5 % of noise around a level then looks like a rise in 4-7 % of runs with 4 to 8 evaluations, not in
11-14 %. Longer histories leave the fit behind `EvaluationNoise` enough residuals of its own.
"""

ROWS = 400
"""Evaluations compared; longer histories are thinned evenly, keeping the best and the last."""


@dataclass(frozen=True, slots=True, eq=False)
class Generalisation:
    """Training and evaluation loss side by side, one entry per evaluation.

    Attributes:
        state: What the curves do after the best evaluation; see the module.
        step: Steps of the evaluations, `[n]`.
        evaluation: Evaluation loss, `[n]`.
        train: Training loss at the same steps, NaN where unknown, `[n]`.
        gap: Evaluation minus training loss, `[n]`.
        gap_error: Its standard error, `[n]`.
        noise: Standard error of one evaluation.
        evaluated_together: Whether the training loss was evaluated like the evaluation loss, not averaged on the way.
        best: Row of the lowest evaluation.
        end_loss: Evaluation loss at the end: median of the second half after the best.
        rise: `end_loss` minus the lowest evaluation loss.
        later_above: Evaluations after the best that exceed it by two standard errors.
        train_change: Training loss at the end minus at the best evaluation; NaN without training loss.
        train_error: Its standard error.
        metric: What a task metric did over the same time, when one was logged.
        first_epoch: Passes over the data at the first evaluation after step 0, when known.
    """

    state: State
    step: Integers
    evaluation: Floats
    train: Floats
    gap: Floats
    gap_error: Floats
    noise: EvaluationNoise
    evaluated_together: bool
    best: int
    end_loss: float
    rise: float
    later_above: int
    train_change: float
    train_error: float
    metric: MetricChange | None
    first_epoch: float | None

    @property
    def best_step(self) -> int:
        """Step of the lowest evaluation loss."""
        return int(self.step[self.best])

    @property
    def best_loss(self) -> float:
        """Lowest evaluation loss."""
        return float(self.evaluation[self.best])


@dataclass(frozen=True, slots=True, eq=False)
class _Curves:
    """What `_state` decides on; nine of ten evaluations at the end must exceed the bottom by `limit`."""

    value: Floats
    best: int
    bottom: float
    end: float
    lowest_end: float
    limit: float
    later: int
    train_best: float
    train_change: float
    train_error: float
    growth: float | None


def generalisation_of(run: Measured) -> Generalisation | None:
    """Compare the curves, or `None` without an evaluation loss, or where its level does not mean progress."""
    rows, noise = run.eval_rows, evaluation_noise_of(run)
    if rows is None or noise is None or run.objective.kind == "rl":
        return None
    rows = _thinned(rows)
    levels = _levels(run, rows, noise)
    gap, gap_error = rows.value - levels.value, np.hypot(levels.error, noise.standard_error)
    tail = _tail(int(np.argmin(rows.value)), np.isin(rows.step, noise.excursions))
    curves = _curves(rows.value, levels, noise, tail, _growth(gap, gap_error))
    return Generalisation(
        state=_state(curves),
        step=rows.step,
        evaluation=rows.value,
        train=levels.value,
        gap=gap,
        gap_error=gap_error,
        noise=noise,
        evaluated_together=levels.evaluated,
        best=curves.best,
        end_loss=curves.end,
        rise=curves.end - float(rows.value[curves.best]),
        later_above=curves.later,
        train_change=curves.train_change,
        train_error=curves.train_error,
        metric=metric_change(run, int(rows.step[curves.best]), rows.step[tail]),
        first_epoch=_epoch_at(run, rows),
    )


def _curves(
    value: Floats, levels: TrainLevels, noise: EvaluationNoise, tail: NDArray[np.intp], growth: float | None
) -> _Curves:
    best = int(np.argmin(value))
    # The lowest of many noisy values lies below the true bottom; the median of it and its neighbours does not.
    around = value[max(0, best - 1) : best + 2]
    bottom = float(np.median(around))
    mean_of = math.sqrt(1 / around.size + 1 / tail.size)
    zigzag = noise.how == "residuals" and value.size <= FEW_EVALUATIONS
    rough = ROUGH_ERRORS * _roughness(value[best:]) * mean_of if zigzag else 0.0
    limit = max(noise.quantile * noise.standard_error * mean_of, rough, SHARE * abs(bottom))
    train_change, train_error = _change(levels, best, tail)
    return _Curves(
        value=value,
        best=best,
        bottom=bottom,
        end=float(np.median(value[tail])),
        lowest_end=float(np.percentile(value[tail], 10)),
        limit=limit,
        later=int(np.count_nonzero(value[best + 1 :] - value[best] > ERROR_OF_CHANGE * noise.standard_error)),
        train_best=float(levels.value[best]),
        train_change=train_change,
        train_error=train_error,
        growth=growth,
    )


def _roughness(value: Floats) -> float:
    """Standard error of one value by the second differences after the lowest: a steady rise has none, noise has.

    White noise has second differences of variance 6 sd^2. The fit behind `EvaluationNoise` follows a zigzag of few
    values too closely to tell; 0 where there are too few differences.
    """
    second = np.diff(value, n=2)
    return math.sqrt(float(np.mean(second**2)) / 6.0) if second.size >= FEWEST_DIFFERENCES else 0.0


def _state(curves: _Curves) -> State:
    value, best = curves.value, curves.best
    if value.size < MIN_EVALUATIONS:
        return _of_few(curves)
    if curves.later >= 2 and curves.lowest_end - curves.bottom > curves.limit:
        if not math.isfinite(curves.train_change):
            return "rising-alone"
        needed = max(ERROR_OF_CHANGE * curves.train_error, SHARE * abs(curves.train_best))
        learned = curves.train_best + curves.train_change < value[best] / 4
        return "rising" if curves.train_change < -needed or learned else "rising-together"
    if curves.growth is not None and curves.growth > MEMORISED_SHARE * abs(curves.end):
        return "memorising"
    late = best >= value.size - max(1, value.size // 5)
    return "falling" if late and value[0] - value[best] > curves.limit else "flat"


def _of_few(curves: _Curves) -> State:
    value, best = curves.value, curves.best
    rises = np.diff(value)
    clear = (
        value.size == 3 and best == 0 and bool(np.all(rises > 0)) and float(rises[0]) > CLEAR_SHARE * float(value[0])
    )
    if clear and curves.train_change < -CLEAR_TRAIN_SHARE * curves.train_best:
        return "rising"
    return "falling" if value.size == 3 and best == 2 else "insufficient"


def _growth(gap: Floats, error: Floats) -> float | None:
    """How much the gap has grown since the first evaluation, at most its size, when that is beyond its error."""
    rows = np.flatnonzero(np.isfinite(gap))
    if rows.size < 3:
        return None
    first, last = int(rows[0]), rows[-max(1, rows.size // 5) :]
    end = float(np.median(gap[last]))
    grown = end - float(gap[first])
    return min(end, grown) if grown > 2 * ERROR_OF_CHANGE * float(error[first]) else None


def _levels(run: Measured, rows: Series, noise: EvaluationNoise) -> TrainLevels:
    beside = run.record.get("eval/train_loss")
    if beside is not None:
        return train_levels(beside.final().finite(), rows, noise.standard_error, evaluated=True)
    train = run.loss_rows
    if train is None or _bits(train) != _bits(rows):
        nothing = np.full(len(rows), np.nan)
        return TrainLevels(nothing, nothing, evaluated=False)
    return train_levels(train, rows, noise.standard_error)


def _bits(series: Series) -> bool:
    return series.unit.startswith("bits")


def _thinned(rows: Series) -> Series:
    if len(rows) <= ROWS:
        return rows
    keep = np.linspace(0, len(rows) - 1, ROWS).astype(np.int64)
    mask = np.zeros(len(rows), dtype=bool)
    mask[keep] = True
    mask[int(np.argmin(rows.value))] = True
    return rows.where(mask)


def _tail(best: int, excursion: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows of the second half of the evaluations after the best one, at least two, without single excursions."""
    after = np.flatnonzero(~excursion)
    after = after[after > best]
    return after[-max(2, after.size // 2) :] if after.size else np.asarray([best])


def _change(levels: TrainLevels, best: int, tail: NDArray[np.intp]) -> tuple[float, float]:
    end = levels.value[tail]
    end = end[np.isfinite(end)]
    if not end.size or not math.isfinite(float(levels.value[best])):
        return float("nan"), float("nan")
    change = float(np.median(end) - levels.value[best])
    end_error = float(np.nanmedian(levels.error[tail])) / math.sqrt(end.size)
    return change, math.hypot(float(levels.error[best]), end_error)


def _epoch_at(run: Measured, rows: Series) -> float | None:
    """Passes over the data at the first evaluation after step 0."""
    later = rows.step[rows.step > 0]
    if not later.size:
        return None
    first = int(later[0])
    if run.record.axis == "epoch":
        return float(first)
    epoch = run.record.get("train/epoch")
    if epoch is None:
        return None
    epoch = epoch.final().finite()
    if len(epoch) < 1 or first > int(epoch.step[-1]) or first < int(epoch.step[0]):
        return None
    return float(np.interp(first, epoch.step, epoch.value))
