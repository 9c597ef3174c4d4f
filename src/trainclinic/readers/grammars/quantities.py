"""One column for each quantity of a run: names settled, steps attached, times told apart.

It knows what rows of a loop mean to each other, and nothing of how they are spelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trainclinic.readers.fragment import Column
from trainclinic.readers.grammars.numbers import is_whole
from trainclinic.readers.grammars.row_words import UNKNOWN_TIME
from trainclinic.readers.grammars.tracks import last_before
from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.grammars.placed_run import PlacedRun
    from trainclinic.readers.grammars.rows import Rows

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

EVAL_OF_TRAIN = "eval/train_loss"


class _Chunk(NamedTuple):
    """Rows of one quantity from one table."""

    order: Integers
    step: Integers
    value: Floats
    line: Integers
    printed: Printed = Printed()
    unit: str = ""


def fill_columns(run: PlacedRun, every: list[Rows]) -> None:
    """Make the columns of a run from its rows.

    Args:
        run: Axis, track and plan are known; its columns are set.
        every: The rows of the run.
    """
    parts: dict[str, list[_Chunk]] = {}
    for rows, renamed in zip(every, _names(every), strict=True):
        placed = _with_steps(rows, run)
        if placed is None:
            continue
        used, step = placed
        for hole, values, printed in used.values():
            if rows.kind == "bar" and run.per_epoch is not None and hole.name.startswith("time/"):
                continue  # the clock of a bar starts anew in every epoch
            chunk = _Chunk(used.order, step, values, used.line, printed, hole.unit)
            if hole.shape in {"clock", "duration"} and bool(np.isnan(values).any()):
                keep = ~np.isnan(values)
                chunk = _Chunk(used.order[keep], step[keep], values[keep], used.line[keep], printed, hole.unit)
            parts.setdefault(renamed.get(hole.name, hole.name), []).append(chunk)
        for name, values in _extra_columns(used, run, every):
            parts.setdefault(name, []).append(_Chunk(used.order, step, values, used.line))
    run.columns = {name: _column(chunks) for name, chunks in parts.items()}
    _tell_times(run)


def _with_steps(rows: Rows, run: PlacedRun) -> tuple[Rows, Integers] | None:
    """Rows with their steps, or `None` for those that hold no quantities of the run."""
    if rows.kind in {"summary", "place"}:
        return None
    if rows.kind != "bar" or run.by_bars:
        same = rows.order is run.track_order
        return rows, _as_steps(run.track_step if same else last_before(rows.order, run.track_order, run.track_step))
    if run.planned is None or run.axis != "step":
        return None
    rows = rows.where(rows.of_or_nan("total") == run.planned[0])
    step = rows.of_or_nan("step")
    if not step.size:
        return None
    # A bar is drawn again and again at one step; the first drawing is the one that is on time.
    is_new = np.concatenate([[True], step[1:] > np.maximum.accumulate(step)[:-1]])
    rows = rows.where(is_new)
    return rows, _as_steps(step[is_new])


def _extra_columns(rows: Rows, run: PlacedRun, every: list[Rows]) -> list[tuple[str, Floats]]:
    """Epochs and time stamps of rows, as quantities."""
    out = []
    epoch, stamp = rows.of("epoch"), rows.of("stamp")
    if stamp is not None and not np.isnan(stamp).any() and (rows.of("step") is not None or rows.kind == "train"):
        out.append(("time/stamp", stamp))
    if epoch is None or run.axis == "epoch" or (rows.kind == "row" and rows.of("step") is None):
        return out
    if rows.kind == "row" and is_whole(epoch):
        out.append(("train/epoch", epoch - min(float(epoch[0]), 1.0)))
    elif rows.kind in {"train", "row"} or (rows.kind == "eval" and not any(r.kind == "train" for r in every)):
        out.append(("train/epoch", epoch))
    return out


def _names(every: list[Rows]) -> list[dict[str, str]]:
    """New names where two kinds of rows tell the same quantity in different senses.

    A loop that prints both single-batch losses (`iter 10: loss 2.1`) and averages over evaluation batches (`step 10:
    train loss 2.2, val loss 2.3`) means two
    quantities; so does one that prints an epoch's mean after the epoch's steps.
    """
    detailed = [rows for rows in every if rows.kind in {"row", "train"} and rows.of("step") is not None]
    has_single = any(rows.has("train/loss") and not rows.has("eval/loss") for rows in detailed)
    out: list[dict[str, str]] = []
    for rows in every:
        renamed = {}
        if rows in detailed and has_single and rows.has("eval/loss") and rows.has("train/loss"):
            renamed["train/loss"] = EVAL_OF_TRAIN
        if detailed and rows.kind in {"row", "block"} and rows.of("step") is None:
            for hole in rows.holes:
                if hole.role == "value" and any(other.has(hole.name) for other in detailed):
                    renamed[hole.name] = f"epoch/{hole.name.replace('/', '_')}"
        out.append(renamed)
    return out


def _column(chunks: list[_Chunk]) -> Column:
    longest = max(chunks, key=lambda chunk: chunk.order.size)
    if len(chunks) == 1:
        step, value, line = longest.step, longest.value, longest.line
    else:
        sort = np.argsort(np.concatenate([chunk.order for chunk in chunks]), kind="stable")
        step = np.concatenate([chunk.step for chunk in chunks])[sort]
        value = np.concatenate([chunk.value for chunk in chunks])[sort]
        line = np.concatenate([chunk.line for chunk in chunks])[sort]
    return Column(step=step, value=value, line=line, printed=longest.printed, unit=longest.unit)  # type: ignore[arg-type]


def _as_steps(step: Floats) -> Integers:
    """Whole steps; -1 for what is none, 0 for rows before the first placed one."""
    step = np.where(np.isnan(step), 0.0, step)
    return np.asarray(np.where(np.abs(step) < 1e15, step, -1.0), dtype=np.int64)


def _tell_times(run: PlacedRun) -> None:
    """A bare time that never falls and rises over the run is the elapsed time; another one is that of a step."""
    column = run.columns.pop(UNKNOWN_TIME, None)
    if column is None:
        return
    change = np.diff(np.asarray(column.value))
    elapsed = not change.size or bool((change >= 0).all() and change.sum() > 0)
    name = "time/elapsed" if elapsed else "speed/seconds_per_step"
    if name not in run.columns:
        run.columns[name] = column
