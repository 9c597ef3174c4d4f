"""A recorder inside the training loop beside a log of the same run: do they agree, and what did the log hide?

A log may show means over the steps since its last row, and a filter may have replaced losses that were no numbers. So
each row of the log is compared with the mean of the recorded losses of its window, and only where all of them are
finite. Both facts hold for transformers' `Trainer` (`logging_steps`, `logging_nan_inf_filter`, 4.x and 5.x). This
module does not know file formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.folders.same_run import last_values
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.fragment import Fragment

    Windows = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]

LOSS = "train/loss"
TOLERANCE = 0.05
"""A trainer weighs micro-batches by their tokens, a recorder takes their plain mean: means of rows of very different
length differ by some percent."""
AGREEING_SHARE = 0.5
"""The rest is left for windows that a resume cut."""


def recorded_same_run(recorder: Fragment, log: Fragment) -> bool:
    """Whether a log may tell of the run that a recorder watched: their losses agree wherever both are known.

    Args:
        recorder: Written inside the loop, a value for each step.
        log: With rows.

    Returns:
        False without common steps, and where more than half of the comparable rows differ.
    """
    windows = _windows(recorder, log)
    if windows is None or not windows[0].size:
        return False
    _, logged, recorded = windows
    known = np.isfinite(logged) & np.isfinite(recorded)
    if not known.any():
        return True
    close = np.abs(logged - recorded)[known] <= TOLERANCE * np.abs(recorded[known])
    return float(close.mean()) > AGREEING_SHARE


def hidden_losses(recorder: Fragment, log: Fragment) -> Damage | None:
    """The rows of a log that show a finite loss where a recorded one was no number, counted; `None` without any.

    Args:
        recorder: Written inside the loop.
        log: Another log of its run.
    """
    windows = _windows(recorder, log)
    if windows is None:
        return None
    _, logged, recorded = windows
    hidden = np.flatnonzero(np.isfinite(logged) & ~np.isfinite(recorded))
    if not hidden.size:
        return None
    column = log.columns[LOSS]
    row = int(np.flatnonzero(np.asarray(column.value) == logged[hidden[0]])[0])
    says = f"row that shows a finite loss where `{recorder.file}` has none (the recorded loss was taken)"
    return Damage(says, Source(log.file, int(column.line[row]) or None), int(hidden.size))


def _windows(recorder: Fragment, log: Fragment) -> Windows | None:
    """Steps of the log's rows, their losses, and the mean recorded loss of their windows, `[n]` each.

    Rows whose window was not recorded whole are left out; the mean is NaN where any loss of the window is no number.
    """
    if LOSS not in recorder.columns or LOSS not in log.columns:
        return None
    steps, values = last_values(recorder.columns[LOSS])
    ends, logged = last_values(log.columns[LOSS])
    if log.axis != "step":
        ends = _by_epoch(recorder, log, ends)
    if not ends.size or not steps.size:
        return None
    length = np.diff(ends, prepend=0)
    if ends.size > 1:
        length[0] = min(length[0], int(np.median(length[1:])))
    first, last = np.searchsorted(steps, ends - length, side="right"), np.searchsorted(steps, ends, side="right")
    whole = (last - first == length) & (length > 0)
    with np.errstate(invalid="ignore"):  # the mean of inf and -inf
        means = [float(values[begin:end].mean()) for begin, end in zip(first[whole], last[whole], strict=True)]
    return ends[whole], logged[whole], np.asarray(means, np.float64)


def _by_epoch(recorder: Fragment, log: Fragment, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The recorded step nearest in epochs to each row of a log that shows no steps, `[n]`; empty when nothing tells."""
    mine, theirs = recorder.columns.get("train/epoch"), log.columns.get("train/epoch")
    if mine is None or theirs is None:
        return np.empty(0, np.int64)
    steps, epochs = last_values(mine)
    known, at = last_values(theirs)
    if steps.size < 2 or not np.array_equal(known, rows) or bool((np.diff(epochs) < 0).any()):
        return np.empty(0, np.int64)
    right = np.clip(np.searchsorted(epochs, at), 1, epochs.size - 1)
    nearest = np.where(at - epochs[right - 1] < epochs[right] - at, right - 1, right)
    return np.asarray(steps[nearest], np.int64)
