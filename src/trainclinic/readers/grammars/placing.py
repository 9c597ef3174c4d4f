"""From tables of rows to runs: which rows belong together, and where each stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.grammars.numbers import is_whole
from trainclinic.readers.grammars.placed_run import PlacedRun
from trainclinic.readers.grammars.quantities import fill_columns
from trainclinic.readers.grammars.rows import Rows
from trainclinic.readers.grammars.tracks import (
    fill_forward,
    last_before,
    lexical_position,
    run_starts,
    steps_from_bars,
    steps_of_run,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.grammars.layout import Table
    from trainclinic.record.run import Axis

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_ROLES = ("step", "epoch", "total", "epochs")
SHORTEST_PART = 4
"""Rows that each part of a file must have on average before two ways of logging mean two runs."""


@dataclass(slots=True)
class _Main:
    """The rows that the runs are told by: positions, and how they count."""

    order: Integers
    line: Integers
    step: Floats
    epoch: Floats
    total: Floats
    epochs: Floats
    axis: Axis


def place(tables: list[Table], dividers: Sequence[int] = ()) -> tuple[list[PlacedRun], int]:
    """Sort rows into runs and give each a step.

    Args:
        tables: Everything that was captured.
        dividers: Positions at which the log says that another run begins.

    Returns:
        Runs in the order of the file, and how many rows of other processes were left out.
    """
    every = [rows for table in tables if table.order and len(rows := Rows(table).with_place())]
    every, skipped = _first_process(every)
    runs: list[PlacedRun] = []
    for group in _separate_logs(every):
        runs += _runs_of(group, dividers, continues=bool(runs))
    return runs, skipped


def _separate_logs(every: list[Rows]) -> list[list[Rows]]:
    """Parts of a file in which a loop prints steps, and parts in which a trainer prints rows without: other runs.

    Where both alternate, they belong together: a loop that prints its evaluation as a dictionary.
    """
    steps = [rows.order for rows in every if rows.kind in {"row", "train", "eval"} and rows.of("step") is not None]
    loose = [rows.order for rows in every if rows.kind in {"train", "eval"} and rows.of("step") is None]
    if not steps or not loose:
        return [every]
    order = np.concatenate([*steps, *loose])
    is_loose = np.repeat([False, True], [sum(map(len, steps)), sum(map(len, loose))])[np.argsort(order, kind="stable")]
    changes = np.flatnonzero(np.diff(is_loose)) + 1
    if (changes.size + 1) * SHORTEST_PART > order.size:
        return [every]
    begins = np.sort(order)[changes]
    limits = [0, *begins.tolist(), np.iinfo(np.int64).max]
    return [
        [part for rows in every if len(part := rows.where((rows.order >= low) & (rows.order < high)))]
        for low, high in pairwise(limits)
    ]


def _runs_of(every: list[Rows], dividers: Sequence[int], *, continues: bool) -> list[PlacedRun]:
    main = _main_rows(every)
    if main is None:
        run = PlacedRun()
        _take_summaries(run, every)
        run.begin = min((int(rows.line[0]) for rows in every), default=1) if continues else 1
        return [run]
    position = main.epoch if main.axis != "step" else lexical_position(main.step, main.epoch)
    starts = run_starts(position) if np.isfinite(position).all() else [0]
    starts = _cut_at_summaries(starts, main, every)
    told = {int(np.searchsorted(main.order, divider)) for divider in dividers}
    starts = sorted({*starts, *(at for at in told if 0 < at < main.order.size)})
    limits = [*(int(main.order[s]) for s in starts[1:]), np.iinfo(np.int64).max]
    runs = []
    for number, (start, limit) in enumerate(zip(starts, limits, strict=True)):
        first = 0 if number == 0 else int(main.order[start])
        own = [part for rows in every if len(part := rows.where((rows.order >= first) & (rows.order < limit)))]
        run = _place_run(own)
        run.begin = 1 if number == 0 and not continues else int(main.line[start])
        runs.append(run)
    return runs


def _first_process(every: list[Rows]) -> tuple[list[Rows], int]:
    """Rows of the process with the smallest number, and those without one."""
    ranks = [rank for rows in every if (rank := rows.of("rank")) is not None and rows.is_telling]
    if not ranks:
        return every, 0
    first = min(float(rank.min()) for rank in ranks)
    kept, skipped = [], 0
    for rows in every:
        rank = rows.of("rank")
        part = rows if rank is None else rows.where(rank == first)
        skipped += len(rows) - len(part)
        kept += [part] if len(part) else []
    return kept, skipped


def _main_rows(every: list[Rows]) -> _Main | None:
    """The rows that say where training stands, or `None` when nothing does."""
    placed = [rows for rows in every if rows.of("step") is not None and rows.kind not in {"bar", "place"}]
    loose = [rows for rows in every if rows.kind in {"train", "eval"} and rows.of("step") is None]
    if not placed and not loose:
        placed = [rows for rows in every if rows.kind == "bar"] if any(r.is_telling_bar for r in every) else []
    if placed:
        return _joined(placed, every)
    if loose:
        return _joined(loose, every, axis="row")
    by_epoch = [rows for rows in every if rows.kind == "row" and rows.of("epoch") is not None]
    by_epoch = by_epoch or [rows for rows in every if rows.kind == "place" and any(r.kind == "block" for r in every)]
    if not by_epoch:
        return None
    main = _joined(by_epoch, every, axis="epoch")
    if np.isnan(main.epoch).all():
        main.epoch, main.axis = main.step, "step"
    return main


def _joined(parts: list[Rows], every: list[Rows], axis: Axis = "step") -> _Main:
    if len(parts) == 1:
        (only,) = parts
        order, line = only.order, only.line
        step, epoch, total, epochs = map(only.of_or_nan, _ROLES)
    else:
        sort = np.argsort(np.concatenate([rows.order for rows in parts]), kind="stable")
        order = np.concatenate([rows.order for rows in parts])[sort]
        line = np.concatenate([rows.line for rows in parts])[sort]
        columns = (np.concatenate([rows.of_or_nan(role) for rows in parts])[sort] for role in _ROLES)
        step, epoch, total, epochs = columns
    main = _Main(order, line, step, epoch, total, epochs, axis)
    headings = [rows for rows in every if rows.kind == "place" and rows.of("epoch") is not None]
    if np.isnan(main.epoch).all() and headings:
        heading = max(headings, key=len)
        main.epoch = last_before(main.order, heading.order, heading.of_or_nan("epoch"))
        main.epochs = last_before(main.order, heading.order, heading.of_or_nan("epochs"))
    elif axis != "epoch" and np.isnan(main.epoch).any():
        main.epoch = fill_forward(main.epoch) if axis == "row" else np.full(main.order.size, np.nan)
    return main


def _cut_at_summaries(starts: list[int], main: _Main, every: list[Rows]) -> list[int]:
    """A second summary row means a second run, also where positions do not go back."""
    summaries = np.sort(
        np.concatenate([rows.order for rows in every if rows.kind == "summary"] or [np.zeros(0, np.int64)])
    )
    cuts = set(starts)
    for one, two in pairwise(summaries):
        between = np.flatnonzero((main.order > one) & (main.order < two))
        if between.size and not cuts & set(range(int(between[0]), int(between[-1]) + 2)):
            after = int(between[-1]) + 1
            if after < main.order.size:
                cuts.add(after)
    return sorted(cuts)


def _place_run(every: list[Rows]) -> PlacedRun:
    main = _main_rows(every)
    run = PlacedRun()
    _take_summaries(run, every)
    if main is None:
        return run
    run.axis = main.axis
    if main.axis == "row":
        _place_loose(run, main, every)
    else:
        run.by_bars = not any(rows.kind in {"row", "train", "eval"} for rows in every)
        _place_counted(run, main)
    fill_columns(run, every)
    run.last_line = max(int(rows.line[-1]) for rows in every)
    return run


def _place_counted(run: PlacedRun, main: _Main) -> None:
    """Rows with a printed step, or with nothing but an epoch."""
    run.track_order = main.order
    if main.axis == "epoch":
        whole = is_whole(main.epoch)
        run.axis = "epoch" if whole else "row"
        run.track_step = main.epoch if whole else np.arange(1.0, main.order.size + 1.0)
        _take_plan(run, main, main.epochs, "epochs")
        return
    steps = steps_of_run(main.step, main.epoch, main.total)
    run.track_step, run.per_epoch = steps.step, steps.per_epoch
    _take_plan(run, main, main.epochs, "epochs")
    # `12/391` within the one epoch seen so far may count the epoch's steps or the run's.
    one_epoch = is_whole(main.epoch) and main.epoch.size > 0 and bool((main.epoch == main.epoch[0]).all())
    if steps.per_epoch is None and (not one_epoch or (run.epochs is not None and run.epochs[0] == 1)):
        _take_plan(run, main, main.total, "planned")
    elif steps.per_epoch is not None and run.epochs is not None and np.isfinite(main.total).all():
        run.planned = (steps.per_epoch * run.epochs[0], run.epochs[1])


def _take_plan(run: PlacedRun, main: _Main, stated: Floats, name: str) -> None:
    known = np.flatnonzero(np.isfinite(stated))
    if known.size and (stated[known] == stated[known[0]]).all():
        setattr(run, name, (float(stated[known[0]]), int(main.line[known[0]])))


def _place_loose(run: PlacedRun, main: _Main, every: list[Rows]) -> None:
    """Dictionary rows without a step: by progress bars, else counted."""
    bars = _training_bars([rows for rows in every if rows.kind == "bar"])
    steps = None
    if bars is not None:
        order, step, total, line = bars
        steps = {
            kind: _from_bars([r for r in every if r.kind == kind and r.of("step") is None], order, step)
            for kind in ("train", "eval")
        }
        if any(found is None for found in steps.values()):
            steps = None
        else:
            run.axis, run.planned = "step", (total, line)
    train = _orders(every, "train")
    if steps is None:
        evaluated = _orders(every, "eval")
        epochs = last_before(evaluated, main.order, main.epoch)
        if evaluated.size > train.size and is_whole(epochs) and bool((np.diff(epochs) > 0).all()):
            run.axis, run.track_order, run.track_step = "epoch", main.order, np.floor(main.epoch)
        else:
            run.track_order = train if train.size else main.order
            run.track_step = np.arange(1.0, run.track_order.size + 1.0)
        return
    pairs = [pair for pair in steps.values() if pair is not None]
    order = np.concatenate([pair[0] for pair in pairs])
    sort = np.argsort(order, kind="stable")
    run.track_order, run.track_step = order[sort], np.concatenate([pair[1] for pair in pairs])[sort]


def _orders(every: list[Rows], kind: str) -> Integers:
    found = [rows.order for rows in every if rows.kind == kind and rows.of("step") is None]
    return np.sort(np.concatenate(found)) if found else np.zeros(0, np.int64)


def _from_bars(parts: list[Rows], bar_order: Integers, bar_step: Floats) -> tuple[Integers, Floats] | None:
    order = np.sort(np.concatenate([rows.order for rows in parts] or [np.zeros(0, np.int64)]))
    steps = steps_from_bars(order, bar_order, bar_step) if order.size else np.zeros(0)
    return None if steps is None else (order, steps)


def _training_bars(bars: list[Rows]) -> tuple[Integers, Floats, float, int] | None:
    """Positions, steps, total and line of the bar that ran longest: evaluation bars start over again and again."""
    if not bars:
        return None
    order, line = np.concatenate([b.order for b in bars]), np.concatenate([b.line for b in bars])
    step, total = (np.concatenate([b.of_or_nan(role) for b in bars]) for role in ("step", "total"))
    clock = np.concatenate(
        [next((c for h, c, _ in b.values() if h.name == "time/elapsed"), np.zeros(len(b))) for b in bars]
    )
    totals = np.unique(total[np.isfinite(total)])
    if not totals.size:
        return None
    best = max(totals.tolist(), key=lambda t: (np.nan_to_num(clock[total == t]).max(), float((total == t).sum())))
    own = np.flatnonzero(total == best)
    own = own[np.argsort(order[own], kind="stable")]
    return order[own], step[own], float(best), int(line[own[0]])


def _take_summaries(run: PlacedRun, every: list[Rows]) -> None:
    for rows in every:
        if rows.kind == "summary":
            run.summary += [
                (hole.name.removeprefix("summary:"), float(values[-1]), int(rows.line[-1]))
                for hole, values, _ in rows.values()
            ]
