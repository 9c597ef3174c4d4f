"""Where rows stand: steps from printed steps, from steps that start over each epoch, from progress bars.

Pure arithmetic on positions; it knows no names of metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


def fill_forward(values: Floats) -> Floats:
    """Each NaN replaced by the last number before it, `[n]`; NaN stays before the first number."""
    index = np.where(np.isnan(values), -1, np.arange(values.size))
    index = np.maximum.accumulate(index) if values.size else index
    return np.where(index >= 0, values[np.maximum(index, 0)], np.nan)


def last_before(order: Integers, known_order: Integers, known: Floats) -> Floats:
    """For each position the value of the last known row at or before it, NaN where there is none.

    Args:
        order: Positions, `[n]`.
        known_order: Ascending positions of known rows, `[m]`.
        known: Their values, `[m]`.
    """
    at = np.searchsorted(known_order, order, side="right") - 1
    return np.where(at >= 0, known[np.maximum(at, 0)], np.nan) if known.size else np.full(order.size, np.nan)


def first_after(order: Integers, known_order: Integers, known: Floats) -> Floats:
    """For each position the value of the first known row after it, NaN where there is none."""
    at = np.searchsorted(known_order, order, side="right")
    return (
        np.where(at < known.size, known[np.minimum(at, known.size - 1)], np.nan)
        if known.size
        else np.full(order.size, np.nan)
    )


def lexical_position(step: Floats, epoch: Floats) -> Floats:
    """One ascending number from epoch and step, whether steps start over in each epoch or not."""
    if np.isnan(epoch).any():
        return step
    width = float(np.nanmax(step)) + 1.0 if step.size else 1.0
    return np.asarray(epoch * width + np.nan_to_num(step), dtype=np.float64)


def run_starts(position: Floats) -> list[int]:
    """Rows at which a log begins a new run: back to where the run before began, not merely back (that is a resume).

    Args:
        position: Position of each row in the order of the log, `[n]`, without NaN.

    Returns:
        Indices, 0 first.
    """
    starts = [0]
    change = np.diff(position)
    rising = change[change > 0]
    interval = float(np.median(rising)) if rising.size else 0.0
    for row in (np.flatnonzero(change < 0) + 1).tolist():
        if row - starts[-1] > 1 and abs(position[row] - position[starts[-1]]) <= interval:
            starts.append(row)
    return starts


class Steps(NamedTuple):
    """Optimizer steps of one run.

    Attributes:
        step: Steps since the start of the run, `[n]`.
        per_epoch: Steps of one epoch when the log starts counting anew in each, else `None`.
    """

    step: Floats
    per_epoch: float | None


def steps_of_run(step: Floats, epoch: Floats, total: Floats) -> Steps:
    """Steps that go on where the log starts to count anew in every epoch.

    Args:
        step: Steps as printed, `[n]`.
        epoch: Epochs as printed, NaN where there is none, `[n]`.
        total: `T` of `N/T`, NaN where there is none, `[n]`.
    """
    if step.size < 2 or np.isnan(epoch).any():
        return Steps(step, None)
    new_epoch = np.diff(epoch) > 0
    over = new_epoch & (np.diff(step) <= 0)
    if not new_epoch.any() or over.sum() * 2 < new_epoch.sum():
        return Steps(step, None)
    stated = total[0] if np.isfinite(total).all() and (total == total[0]).all() else np.nan
    length = float(stated) if np.isfinite(stated) and step.max() <= stated else float(step.max())
    passes = np.floor(epoch) - min(float(np.floor(epoch[0])), 1.0)
    return Steps(passes * length + step, length)


def steps_from_bars(order: Integers, bar_order: Integers, bar_step: Floats) -> Floats | None:
    """Steps of rows that stand between progress bars, or `None` when bars do not place them.

    tqdm draws its bar again right after a printed row, so the next bar is exact when the terminal was captured; files
    that were collected by lines may hold only the bar before. Of the two readings the one with all rows placed, in
    ascending order and at even distances wins.

    Args:
        order: Positions of the rows, `[n]`.
        bar_order: Positions of the bars, ascending, `[m]`.
        bar_step: Steps that they show, `[m]`.
    """
    before, after = last_before(order, bar_order, bar_step), first_after(order, bar_order, bar_step)
    candidates = [np.where(np.isnan(before), after, before), np.where(np.isnan(after), before, after)]
    best = min(candidates, key=_disorder)
    faults = _disorder(best)[0]
    return best if not np.isnan(best).any() and faults <= 0.1 * best.size else None


def _disorder(step: Floats) -> tuple[float, float]:
    change = np.diff(step)
    faults = float(np.isnan(step).sum() + (change <= 0).sum())
    if not change.size:
        return faults, 0.0
    _, counts = np.unique(change, return_counts=True)
    return faults, float(change.size - counts.max())
