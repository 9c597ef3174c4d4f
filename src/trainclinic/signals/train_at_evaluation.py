"""The training loss at the steps of the evaluations.

A logged training loss is usually a mean over the steps since the last row, so it belongs half a window earlier than its
step; a loop that evaluates both splits at once logs it at the step itself (SIGNALS 5). This module finds out which, and
reads the level off a short straight line through the rows around each evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trainclinic.record.series import Floats, Integers, Series

MAX_ROWS = 41
"""Rows of the straight line: enough to average noise, few enough for the curve to be straight."""

FLOOR_SHARE = 0.002
"""Smallest standard error believed, as a share of the level."""


@dataclass(frozen=True, slots=True)
class TrainLevels:
    """Training loss at given steps.

    Attributes:
        value: Level, NaN where the log has no training rows near the step, `[n]`.
        error: Its standard error, `[n]`.
        evaluated: Whether the loss was evaluated at the steps themselves, like the evaluation loss, rather than
            averaged on the way.
    """

    value: Floats
    error: Floats
    evaluated: bool


def is_evaluated(train: Series, evaluation: Series) -> bool:
    """Whether training and evaluation loss were measured together at the same steps.

    They were if a training loss exists at step 0, before anything could be averaged, or if one line of a text log holds
    both; a table (CSV) puts different things on one line, so it says nothing.
    """
    shared, i, j = np.intersect1d(train.step, evaluation.step, return_indices=True)
    if shared.size < max(1, 0.8 * len(evaluation)):
        return False
    if int(train.step[0]) == 0 and int(evaluation.step[0]) == 0:
        return True
    table = evaluation.files[0].endswith((".csv", ".tsv"))
    return not table and bool(np.all((train.line[i] == evaluation.line[j]) & (train.line[i] > 0)))


def train_levels(train: Series, evaluation: Series, point_error: float, *, evaluated: bool = False) -> TrainLevels:
    """Training level at each evaluation.

    Args:
        train: Usable training rows.
        evaluation: Usable evaluation rows.
        point_error: Standard error of a training loss that was evaluated like the evaluation loss.
        evaluated: Whether it is known to have been; else `is_evaluated` decides.
    """
    if evaluated or is_evaluated(train, evaluation):
        where = np.searchsorted(train.step, evaluation.step).clip(0, len(train) - 1)
        exact = train.step[where] == evaluation.step
        value = np.where(exact, train.value[where], np.nan)
        return TrainLevels(value, np.full(value.size, point_error), evaluated=True)
    if len(train) < 2:
        # A lone row is a mean over an unknown stretch, perhaps over the whole run: it tells no level at any step.
        nothing = np.full(len(evaluation), np.nan)
        return TrainLevels(nothing, nothing, evaluated=False)
    spacing = float(np.median(np.diff(train.step)))
    centre: Floats = train.step.astype(np.float64) - spacing / 2
    value = np.full(len(evaluation), np.nan)
    error = np.full(len(evaluation), np.nan)
    for row, (low, high) in enumerate(_windows(centre, evaluation.step, spacing)):
        value[row], error[row] = _level(centre[low:high] - evaluation.step[row], train.value[low:high])
    return TrainLevels(value, error, evaluated=False)


def _windows(centre: Floats, step: Integers, spacing: float) -> list[tuple[int, int]]:
    """Row ranges around each step: half an evaluation interval to each side, 3 to `MAX_ROWS` rows, none when far."""
    interval = float(np.median(np.diff(step))) if step.size > 1 else 20 * spacing
    half = min(max(interval / 2, 2.5 * spacing), MAX_ROWS / 2 * spacing)
    low = np.searchsorted(centre, step - half)
    high = np.searchsorted(centre, step + half)
    nearest = np.searchsorted(centre, step).clip(0, centre.size - 1)
    before = (nearest - 1).clip(0)
    distance = np.minimum(np.abs(centre[nearest] - step), np.abs(centre[before] - step))
    out = []
    for begin, end, near, far in zip(low.tolist(), high.tolist(), before.tolist(), distance.tolist(), strict=True):
        if end > begin:
            out.append((begin, end))
        else:
            out.append((near, near + 1) if far <= max(interval, spacing) else (0, 0))
    return out


def _level(offset: Floats, value: Floats) -> tuple[float, float]:
    """Level at offset 0, and its standard error: of a straight line with median residual 0, or between few rows."""
    if not value.size:
        return float("nan"), float("nan")
    if value.size < 5:
        level = float(np.interp(0.0, offset, value))
        spread = float(np.ptp(value)) / 2 if value.size > 1 else 0.05 * abs(level)
        return level, max(spread / np.sqrt(value.size), FLOOR_SHARE * abs(level))
    away = offset - offset.mean()
    slope = float(away @ value) / max(float(away @ away), 1e-12)
    middle = float(np.median(value - slope * offset))
    deviation = 1.4826 * float(np.median(np.abs(value - slope * offset - middle)))
    return middle, max(1.2533 * deviation / np.sqrt(value.size), FLOOR_SHARE * abs(middle))
