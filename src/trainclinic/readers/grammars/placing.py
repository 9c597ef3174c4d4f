"""From tables of rows to runs: which rows belong together, where each stands, and one column for each quantity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trainclinic.readers.fragment import Column
from trainclinic.readers.grammars.layout import shown_digits
from trainclinic.readers.grammars.numbers import is_whole
from trainclinic.readers.grammars.row_words import UNKNOWN_TIME
from trainclinic.readers.grammars.tracks import (
    fill_forward,
    last_before,
    lexical_position,
    run_starts,
    steps_from_bars,
    steps_of_run,
)
from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from trainclinic.readers.grammars.layout import Hole, RowKind, Table
    from trainclinic.record.run import Axis

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

SHORTEST_PART = 4
"""Rows that each part of a file must have on average before two ways of logging mean two runs."""
EVAL_OF_TRAIN = "eval/train_loss"


class Rows:
    """A table with its chunks joined, in the order of the file.

    Args:
        table: Rows as they were captured.
    """

    def __init__(self, table: Table) -> None:
        order, line = np.concatenate(table.order), np.concatenate(table.line)
        columns = []
        for chunks in table.columns:
            columns.append(np.concatenate(chunks))
            chunks.clear()  # a million rows should not lie in memory twice
        self.kind: RowKind = table.kind
        self.holes = table.holes
        if bool((np.diff(order) < 0).any()):
            sort = np.argsort(order, kind="stable")
            order, line, columns = order[sort], line[sort], [column[sort] for column in columns]
        self.order: Integers = order
        self.line: Integers = line
        self.columns: list[Floats] = columns
        self.printed = [shown_digits(s, hole, table.kind) for s, hole in zip(table.samples, table.holes, strict=True)]

    def __len__(self) -> int:
        return int(self.order.size)

    def of(self, role: str) -> Floats | None:
        """The column of a role, or `None`."""
        return next((c for c, hole in zip(self.columns, self.holes, strict=True) if hole.role == role), None)

    def of_or_nan(self, role: str) -> Floats:
        """The column of a role, NaN when the table has none."""
        found = self.of(role)
        return np.full(len(self), np.nan) if found is None else found

    def values(self) -> Iterable[tuple[Hole, Floats, Printed]]:
        """Columns that hold quantities."""
        return ((h, c, p) for h, c, p in zip(self.holes, self.columns, self.printed, strict=True) if h.role == "value")

    def has(self, name: str) -> bool:
        """Whether a quantity of that name is among the columns."""
        return any(hole.name == name and hole.role == "value" for hole in self.holes)

    @property
    def is_telling(self) -> bool:
        """Whether it holds more than times."""
        return any(h.role == "value" and not h.name.startswith("time") for h in self.holes)

    def where(self, mask: NDArray[np.bool_]) -> Rows:
        """The rows where `mask` is true."""
        if bool(mask.all()):
            return self
        out = Rows.__new__(Rows)
        out.kind, out.holes, out.printed = self.kind, self.holes, self.printed
        out.order, out.line = self.order[mask], self.line[mask]
        out.columns = [column[mask] for column in self.columns]
        return out


@dataclass(slots=True)
class PlacedRun:
    """One run of a file.

    Attributes:
        axis: What the steps count.
        columns: One for each quantity.
        begin: First line.
        last_line: Line of its last row; what stands behind it may prepare the next run.
        track_order: Positions of the rows that say a step, ascending, `[n]`.
        track_step: Their steps, `[n]`.
        planned: Planned steps and the line that says so.
        epochs: Planned epochs and the line that says so.
        per_epoch: Steps of one epoch where the log counts anew in each.
        summary: Totals by key, with their line.
    """

    axis: Axis = "step"
    columns: dict[str, Column] = field(default_factory=dict)
    begin: int = 1
    last_line: int = 0
    track_order: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    track_step: Floats = field(default_factory=lambda: np.zeros(0))
    planned: tuple[float, int] | None = None
    epochs: tuple[float, int] | None = None
    per_epoch: float | None = None
    summary: list[tuple[str, float, int]] = field(default_factory=list)

    def step_at(self, order: int) -> int | None:
        """Step of the last placed row at or before a position."""
        found = last_before(np.array([order]), self.track_order, self.track_step)
        return None if np.isnan(found[0]) else int(found[0])


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
    every = [Rows(table) for table in tables if table.order]
    every, skipped = _first_process(every)
    runs: list[PlacedRun] = []
    for group in _separate_logs(every):
        runs += _runs_of(group, dividers, continues=bool(runs))
    return runs, skipped


def _separate_logs(every: list[Rows]) -> list[list[Rows]]:
    """Parts of a file in which a loop prints steps, and parts in which a trainer prints dictionaries without: other runs.

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
        for low, high in zip(limits[:-1], limits[1:], strict=True)
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
    placed = [
        rows for rows in every if rows.of("step") is not None and rows.kind not in {"bar", "place"} and rows.is_telling
    ]
    loose = [rows for rows in every if rows.kind in {"train", "eval"} and rows.of("step") is None]
    if not placed and not loose:
        placed = [rows for rows in every if rows.kind == "bar" and rows.is_telling]
    if placed:
        main = _joined(placed, every)
        if np.isfinite(main.step).all():
            return main
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
        order, line, sort = only.order, only.line, slice(None)
    else:
        sort = np.argsort(np.concatenate([rows.order for rows in parts]), kind="stable")
        order, line = (np.concatenate(arrays)[sort] for arrays in ([r.order for r in parts], [r.line for r in parts]))

    def column(role: str) -> Floats:
        columns = [rows.of_or_nan(role) for rows in parts]
        return columns[0] if len(columns) == 1 else np.asarray(np.concatenate(columns)[sort], dtype=np.float64)

    main = _Main(order, line, column("step"), column("epoch"), column("total"), column("epochs"), axis)
    headings = [rows for rows in every if rows.kind == "place" and rows.of("epoch") is not None]
    if np.isnan(main.epoch).all() and headings:
        heading = max(headings, key=len)
        main.epoch = last_before(main.order, heading.order, heading.of_or_nan("epoch"))
        main.epochs = last_before(main.order, heading.order, heading.of_or_nan("epochs"))
    elif axis != "epoch" and np.isnan(main.epoch).any():
        main.epoch = fill_forward(main.epoch) if axis == "row" else np.full(order.size, np.nan)
    return main


def _cut_at_summaries(starts: list[int], main: _Main, every: list[Rows]) -> list[int]:
    """A second summary row means a second run, also where positions do not go back."""
    summaries = np.sort(
        np.concatenate([rows.order for rows in every if rows.kind == "summary"] or [np.zeros(0, np.int64)])
    )
    cuts = set(starts)
    for one, two in zip(summaries[:-1], summaries[1:], strict=True):
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
        _place_counted(run, main)
    _fill_columns(run, every)
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
    if steps.per_epoch is None:
        _take_plan(run, main, main.total, "planned")
    elif run.epochs is not None and np.isfinite(main.total).all():
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


class _Chunk(NamedTuple):
    """Rows of one quantity from one table."""

    order: Integers
    step: Integers
    value: Floats
    line: Integers
    printed: Printed = Printed()
    unit: str = ""


def _fill_columns(run: PlacedRun, every: list[Rows]) -> None:
    parts: dict[str, list[_Chunk]] = {}
    for rows, renamed in zip(every, _names(every), strict=True):
        placed = _with_steps(rows, run)
        if placed is None:
            continue
        rows, step = placed
        for hole, values, printed in rows.values():
            chunk = _Chunk(rows.order, step, values, rows.line, printed, hole.unit)
            if hole.shape in {"clock", "duration"} and bool(np.isnan(values).any()):
                keep = ~np.isnan(values)
                chunk = chunk._replace(
                    order=rows.order[keep], step=step[keep], value=values[keep], line=rows.line[keep]
                )
            parts.setdefault(renamed.get(hole.name, hole.name), []).append(chunk)
        for name, values in _extra_columns(rows, run, every):
            parts.setdefault(name, []).append(_Chunk(rows.order, step, values, rows.line))
    run.columns = {name: _column(chunks) for name, chunks in parts.items()}
    _tell_times(run)


def _with_steps(rows: Rows, run: PlacedRun) -> tuple[Rows, Integers] | None:
    """Rows with their steps, or `None` for those that hold no quantities of the run."""
    if rows.kind in {"summary", "place"}:
        return None
    if rows.kind != "bar":
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
    if (
        stamp is not None
        and not np.isnan(stamp).any()
        and rows.of("step") is not None
        or (stamp is not None and rows.kind == "train")
    ):
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
    train loss 2.2, val loss 2.3`) means two quantities; so does one that prints an epoch's mean after the epoch's steps.
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


def _take_summaries(run: PlacedRun, every: list[Rows]) -> None:
    for rows in every:
        if rows.kind == "summary":
            epoch = rows.of("epoch")
            run.summary += [
                (hole.name.removeprefix("summary:"), float(values[-1]), int(rows.line[-1]))
                for hole, values, _ in rows.values()
            ]
            if epoch is not None:
                run.summary.append(("epoch", float(epoch[-1]), int(rows.line[-1])))
