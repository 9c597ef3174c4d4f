"""From many rows to what a screen can show, without losing an extreme: minimum and maximum per pixel column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.report.chart import Gap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


def reduce_rows(
    step: Integers, value: Floats, first: int, last: int, columns: int, marked: Integers | None = None
) -> Integers:
    """Rows to keep, ascending: per pixel column the lowest, the highest and one non-finite value, and all marked steps.

    A mean would hide exactly what a reader looks for; extremes keep every spike at its true height and step.

    Args:
        step: Ascending steps, `[n]`.
        value: Values, NaN and inf allowed, `[n]`.
        first: Step at the left edge.
        last: Step at the right edge, beyond `first`.
        columns: Pixel columns.
        marked: Steps whose rows are always kept.
    """
    if step.size <= 2 * columns:
        return np.arange(step.size)
    column = (step - first) * columns // (last - first + 1)
    begins = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    ends = np.append(begins[1:], step.size)
    finite = np.isfinite(value)
    low, high = np.where(finite, value, np.inf), np.where(finite, value, -np.inf)
    keep = {0, step.size - 1}
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        keep.add(begin + int(low[begin:end].argmin()))
        keep.add(begin + int(high[begin:end].argmax()))
    broken = np.flatnonzero(~finite)
    if broken.size:
        _, firsts = np.unique(column[broken], return_index=True)
        keep.update(broken[firsts].tolist())
    if marked is not None and marked.size:
        keep.update(np.flatnonzero(np.isin(step, marked)).tolist())
    return np.asarray(sorted(keep), dtype=np.int64)


def gaps_of(step: Integers, value: Floats, resolution: float) -> list[Gap]:
    """Stretches of consecutive rows without a finite value; those closer than `resolution` steps become one."""
    broken = ~np.isfinite(value)
    if not broken.any():
        return []
    edges = np.diff(np.concatenate(([0], broken.astype(np.int8), [0])))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    gaps: list[Gap] = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        label = "NaN" if bool(np.isnan(value[begin : end + 1]).any()) else "inf"
        low, high = float(step[begin]), float(step[end])
        if gaps and low - gaps[-1].last_step <= resolution:
            gaps[-1] = Gap(gaps[-1].first_step, high, gaps[-1].label)
        else:
            gaps.append(Gap(low, high, label))
    return gaps
