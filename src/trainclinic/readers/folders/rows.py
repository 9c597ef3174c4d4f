"""Rows of a fragment made sound: steps that are steps, names that are safe to show, one row for each step and pass.

Several processes of one job often write the same log. Their repeated rows are dropped, or averaged where each process
wrote its own value, and counted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.redact import redact
from trainclinic.readers.tables.row_columns import LARGEST_STEP
from trainclinic.record.vocabulary import SERIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Column, Fragment

TELLING = frozenset(("train/loss", "eval/loss", "train/grad_norm"))
"""Positions and settings (epoch, learning rate) stand again in every row of a step; repeating these says nothing."""
SYSTEMATIC_SHARE = 0.4
"""Two processes repeat half of all rows; a resume or a second evaluation at the last step repeats a few."""
FEWEST_ROWS = 8


def settle_rows(fragment: Fragment, file: LogFile) -> None:
    """Turn the columns of a fragment into arrays without impossible steps and without rows of other processes.

    Args:
        fragment: Its columns are replaced; empty ones are dropped.
        file: Where damage is counted.
    """
    columns: dict[str, Column] = {}
    impossible = copied = repeated = averaged = 0
    for name, raw in fragment.columns.items():
        column, dropped = _with_possible_steps(raw)
        impossible = max(impossible, dropped)
        column, copies, twice = _without_repeats(column)
        if name in TELLING:
            copied, repeated = max(copied, copies), max(repeated, twice)
        column, several = _averaged(column)
        averaged = max(averaged, several)
        if len(column.step):
            columns[name if name in SERIES else redact(name)] = column
    fragment.columns = columns
    if impossible:
        file.count_damage("row with an impossible step (negative or beyond 2**53)", count=impossible)
    if copied:
        file.count_damage("row that another process had written already", count=copied)
    if repeated:
        file.count_damage("row that stands twice", count=repeated)
    if averaged:
        file.count_damage("row that was averaged with another one of its step (one row per process?)", count=averaged)


def _with_possible_steps(raw: Column) -> tuple[Column, int]:
    value = np.asarray(raw.value, dtype=np.float64)
    line = np.asarray(raw.line, dtype=np.int64)
    column = replace(raw, step=_integers(raw.step), value=value, line=line)  # type: ignore[arg-type]
    keep = np.asarray(column.step) >= 0
    return (column, 0) if bool(keep.all()) else (column.where(keep), int((~keep).sum()))


def _integers(steps: Any) -> NDArray[np.int64]:
    """Steps as int64; -1 for what is no step."""
    numbers = np.asarray(steps)
    if numbers.dtype.kind == "O":
        numbers = np.array([float(step) if abs(step) <= LARGEST_STEP else -1.0 for step in steps])
    if numbers.dtype.kind not in "iu":
        numbers = np.where(np.isfinite(numbers), numbers, -1.0)
    return np.where(np.abs(numbers) <= LARGEST_STEP, numbers, -1).astype(np.int64)


def _without_repeats(column: Column) -> tuple[Column, int, int]:
    """The column without repeated rows, how many of them another process wrote, and how many just stand twice."""
    step, value = np.asarray(column.step), np.asarray(column.value)
    if step.size < 2:
        return column, 0, 0
    bits = np.where(np.isnan(value), np.nan, value).view(np.int64)  # one NaN equals another
    repeats = np.zeros(step.size, dtype=bool)
    repeats[1:] = (np.diff(step) == 0) & (bits[1:] == bits[:-1])
    systematic = False
    if (np.diff(step) <= 0).mean() >= SYSTEMATIC_SHARE and step.size >= FEWEST_ROWS:
        order = np.lexsort((np.arange(step.size), bits, step))
        later = np.zeros(step.size, dtype=bool)
        later[order[1:]] = (np.diff(step[order]) == 0) & (np.diff(bits[order]) == 0)
        systematic = bool(later.mean() >= SYSTEMATIC_SHARE)
        repeats |= later & systematic
    count = int(repeats.sum())
    if not count:
        return column, 0, 0
    return column.where(~repeats), count if systematic else 0, 0 if systematic else count


def _averaged(column: Column) -> tuple[Column, int]:
    step, value = np.asarray(column.step), np.asarray(column.value)
    if step.size < FEWEST_ROWS:
        return column, 0
    begins = np.concatenate(([0], np.flatnonzero(np.diff(step) != 0) + 1))
    surplus = step.size - begins.size
    if surplus < SYSTEMATIC_SHARE * step.size:
        return column, 0
    lengths = np.diff(np.append(begins, step.size))
    with np.errstate(invalid="ignore"):
        means = np.add.reduceat(value, begins) / lengths
    return replace(column.where(begins), value=means), surplus  # type: ignore[arg-type]
