"""When the first non-finite value appeared, counted in updates of the weights.

The step alone excludes causes: a value that is NaN before any update, or at learning rate 0, has nothing to do with the
optimizer or its rate; one that turns NaN right after the first real update has nothing to do with the data. This module
counts; it does not conclude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.alignment import values_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Integers, Series
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured


@dataclass(frozen=True, slots=True)
class Onset:
    """The first row with a non-finite value.

    Attributes:
        step: Its step.
        series: The series it was read from.
        value: The logged value; 0 for a zero loss that hides NaN.
        source: Where it was read.
        persists: Every later row is broken too.
        exact_step: The optimizer step in which the value arose, when the log has every step or the inversion of the
            logging filter has one answer; `None` inside a longer window.
        inferred: `exact_step` comes from that inversion.
        zero_rate: Every learning rate logged up to this row is 0; `None` when none was logged.
        updates: Fewest and most updates with a learning rate above 0 that can have come before it; `None` when unknown.
    """

    step: int
    series: str
    value: float
    source: Source
    persists: bool
    exact_step: int | None
    inferred: bool
    zero_rate: bool | None
    updates: tuple[int, int] | None


def onset_of(run: Measured) -> Onset | None:
    """Find the first non-finite training value; `None` when every logged value is finite."""
    found = [(series, broken) for series, broken in columns(run) if broken.any()]
    if not found:
        return None
    series, broken = min(found, key=lambda pair: int(pair[0].step[int(np.argmax(pair[1]))]))
    row = int(np.argmax(broken))
    step = int(series.step[row])
    exact = _logged_exactly(run, series, row)
    solved = _solved(run, step) if exact is None else None
    arose = exact if exact is not None else solved
    return Onset(
        step=step,
        series=series.name,
        value=float(series.value[row]),
        source=series.source(row),
        persists=any(bool(mask[int(np.argmax(mask)) :].all()) for _, mask in found),
        exact_step=arose,
        inferred=exact is None and solved is not None,
        zero_rate=_zero_rate(run, step),
        updates=None if arose is None else _updates(run, series, arose, inferred=exact is None),
    )


def columns(run: Measured) -> list[tuple[Series, NDArray[np.bool_]]]:
    """Loss and gradient norm with their broken rows, among them zeros and stand-ins that hide NaN."""
    columns = []
    hidden_by = run.nan_filter.hidden_by if run.nan_filter is not None else None
    if run.train_loss is not None:
        hidden = run.nan_filter.hidden if run.nan_filter is not None else np.empty(0, dtype=np.int64)
        broken = ~np.isfinite(run.train_loss.value) | np.isin(run.train_loss.step, hidden)
        columns.append((run.train_loss, broken))
    norm = run.record.get("train/grad_norm")
    if norm is not None:
        final = norm.final()
        stand_in = np.nan
        if hidden_by == "sentinel" and run.gradients is not None and run.gradients.constant is not None:
            stand_in = run.gradients.constant
        columns.append((final, ~np.isfinite(final.value) | (final.value == stand_in)))
    return columns


def _logged_exactly(run: Measured, series: Series, row: int) -> int | None:
    """The step of the row when the row stands for that one step."""
    step = int(series.step[row])
    if run.record.axis != "step":
        return None
    if row == 0:
        return step if step <= 1 else None
    return step if step - int(series.step[row - 1]) == 1 else None


def _solved(run: Measured, step: int) -> int | None:
    """The step that the inversion of the logging filter gives, when it has one answer and lies at or before `step`."""
    windows = run.nan_filter.windows if run.nan_filter is not None else ()
    for window in windows:
        if window.best is not None and window.step <= step:
            return window.onset(window.best)
    return None


def _zero_rate(run: Measured, step: int) -> bool | None:
    rate = run.record.get("train/learning_rate")
    if rate is None:
        return None
    rows = rate.final()
    before = rows.value[rows.step <= step]
    return bool((before == 0.0).all()) if before.size else None


def _updates(run: Measured, series: Series, arose: int, *, inferred: bool) -> tuple[int, int] | None:
    """How many updates with a rate above 0 came before step `arose`.

    Whether a row shows the rate that was used or the next one depends on the trainer's version (Hugging Face: the next
    one until 4.49, the used one from 4.51), so both are counted. Loops that number from 0 print step 0 before any
    update.
    """
    begins = _first_step(run)
    if begins is None:
        return None
    total = arose - begins
    if total < 0:
        return None
    if inferred:
        first_is_idle = (run.record.facts.number("warmup_steps") or run.record.facts.number("warmup_ratio") or 0) > 0
        return (total - 1, total - 1) if first_is_idle and total else (total, total)
    steps: Integers = series.step[series.step < arose]
    rate, logged = values_at(run.record.get("train/learning_rate"), steps)
    if not logged.all() or steps.size != total or not total:
        return total, total
    used = int((rate > 0.0).sum())
    shown_late = int((rate[:-1] > 0.0).sum()) + 1
    idle_first = shown_late - 1
    return min(used, idle_first), max(used, shown_late)


def _first_step(run: Measured) -> int | None:
    """Number of the first step that the log counts: 0 or 1; `None` when the log begins in the middle of a run."""
    if run.train_loss is None or run.record.axis != "step":
        return None
    first = int(run.train_loss.step[0])
    start = int(run.record.facts.number("start_step") or 0)
    if start > 0:
        return None
    usual = int(np.diff(run.train_loss.step).min()) if len(run.train_loss) > 1 else first
    return 0 if first == 0 else 1 if first <= max(usual, 1) else None
