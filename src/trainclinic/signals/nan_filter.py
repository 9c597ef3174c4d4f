"""Where the Hugging Face filter of non-finite losses shaped the logged loss, and what the true loss was.

The Trainer replaces non-finite micro-batches (`nan_filter_arithmetic`), so a run whose weights turned NaN logs one
distorted row, often a giant, and then exact zeros. This module finds those rows, and solves for the finite steps and
their mean loss. It shows every solution that is plausible, with what it assumes; it does not know why values became
non-finite.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.alignment import values_at
from trainclinic.signals.nan_filter_arithmetic import Solution, solve
from trainclinic.signals.nan_filter_context import (
    LOOK_BACK,
    Band,
    accumulation_of,
    level_before,
    start_band,
    windows_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Floats, Integers, Series
    from trainclinic.signals.measured import Measured

    Mask = NDArray[np.bool_]

ACCUMULATIONS = (1, 2, 4, 8, 16, 32, 64)
"""Tried when no file gives the accumulation: the values that scripts use."""

INTERVALS = (1, 5, 10, 20, 25, 50, 100)
"""Tried when the log has no steps and no file gives the logging interval."""

GIANT = 3.0
"""A row this many times the rows before it is not explained by noise or by one hard batch in a window mean."""

DIP = 0.9
"""A filtered window at accumulation 1 logs at most (N + 1)/(2 N) ... N/(N + 1) of the true loss; below 0.9 it shows."""

DECAYED = 0.02
"""A loss that was already below this can reach a printed 0.0000 by learning: not the filter's zero."""

TRAINER_WORDS = ("hf_", "hugging", "transformers", "trl", "llamafactory", "llama-factory", "axolotl", "unsloth")

MAX_GROUPS = 16
"""Parameter groups that optimizers are built with: 2 for weight decay on and off, a few more for layer-wise rates."""

Certainty = Literal["gradient", "sentinel", "pattern"]


@dataclass(frozen=True, slots=True)
class FilteredWindow:
    """One logged row that the filter distorted.

    Attributes:
        row: Its row in the final history of the training loss.
        step: Its step.
        logged: The logged value.
        kind: `giant` (inflated, before zeros or a NaN norm), `isolated` (inflated, the loss recovers), `dip`.
        begins: Last step that was logged before it: the window starts one step later.
        interval: Optimizer steps in the window, `None` when neither the log nor a file tells.
        accumulation: Micro-batches per step, `None` when no file tells.
        band: Mean losses that count as plausible.
        solutions: Plausible explanations, NaN at a step boundary first.
        zero_follows: The next row is exactly 0.
    """

    row: int
    step: int
    logged: float
    kind: Literal["giant", "isolated", "dip"]
    begins: int
    interval: int | None
    accumulation: int | None
    band: Band
    solutions: tuple[Solution, ...]
    zero_follows: bool

    @property
    def best(self) -> Solution | None:
        """The one solution at a step boundary, when interval and accumulation are known and there is only one."""
        if self.interval is None or self.accumulation is None:
            return None
        whole = [solution for solution in self.solutions if solution.whole_steps]
        if len(whole) == 1:
            return whole[0]
        return self.solutions[0] if len(self.solutions) == 1 else None

    def onset(self, solution: Solution) -> int:
        """The optimizer step in which the first non-finite micro-batch fell, if `solution` is true."""
        return self.begins + 1 + solution.finite_steps


@dataclass(frozen=True, slots=True, eq=False)
class NanFilter:
    """What the filter did to the training loss of a run.

    Attributes:
        loss: The final history of the training loss, whose rows are meant.
        ruled_out: Why the filter cannot have been at work; empty when it can.
        windows: Distorted rows, in order.
        hidden: Steps of the exact zeros that stand for windows without any finite micro-batch, `[k]`.
        hidden_by: How that is known: the gradient norm of a row is not finite, it is the square root of a small whole
            number in every row (DeepSpeed's stand-in), or only the pattern (a normal loss, then zeros to the end).
        artefact_rows: Steps whose logged loss is no loss: `hidden` and the distorted rows, ascending, `[k]`.
        to_the_end: The hidden zeros last until the final row.
    """

    loss: Series
    ruled_out: str
    windows: tuple[FilteredWindow, ...]
    hidden: Integers
    hidden_by: Certainty | None
    artefact_rows: Integers
    to_the_end: bool


def nan_filter_of(run: Measured) -> NanFilter | None:
    """Find distorted rows and hidden zeros; `None` when no training loss was logged."""
    loss = run.train_loss
    if loss is None:
        return None
    nothing = np.empty(0, dtype=np.int64)
    reason = _ruled_out(run, loss)
    if reason:
        return NanFilter(loss, reason, (), nothing, None, nothing, to_the_end=False)
    norm, norm_logged = values_at(run.record.get("train/grad_norm"), loss.step)
    hidden, certainty = _hidden_zeros(run, loss, norm, norm_logged)
    windows = tuple(_windows(run, loss, hidden, norm, norm_logged))
    steps = np.union1d(loss.step[hidden], np.array([w.step for w in windows], dtype=np.int64))
    to_the_end = bool(hidden.size and hidden[-1])
    return NanFilter(loss, "", windows, loss.step[hidden], certainty, steps, to_the_end=to_the_end)


def _ruled_out(run: Measured, loss: Series) -> str:
    """Why no row can be the filter's work; empty when one can."""
    if run.record.facts.flag("logging_nan_inf_filter") is False:
        return "`logging_nan_inf_filter` is off"
    if run.record.facts.text("device") in ("tpu", "xla"):
        return "the filter is off on XLA devices"
    broken = int(np.count_nonzero(~np.isfinite(loss.value)))
    if broken:
        return f"the loss itself is logged as non-finite in {broken} of {len(loss)} rows, so nothing replaced it"
    return ""


def _hidden_zeros(run: Measured, loss: Series, norm: Floats, logged: Mask) -> tuple[Mask, Certainty | None]:
    """Rows whose exact zero stands for NaN, `[n]`, and how that is known."""
    hidden = np.zeros(len(loss), dtype=bool)
    zero = loss.value == 0.0
    if not zero.any():
        return hidden, None
    certainty: Certainty | None = None
    for begin, end in _runs(zero):
        how = _reading_of_zeros(run, loss, norm[begin:end], logged[begin:end], begin, end)
        if how is not None:
            hidden[begin:end] = True
            certainty = how if certainty != "gradient" else certainty
    return hidden, certainty


def _reading_of_zeros(
    run: Measured, loss: Series, norm: Floats, logged: Mask, begin: int, end: int
) -> Certainty | None:
    """Why the zeros of rows `begin` to `end` stand for NaN, or `None` when nothing says so."""
    if (logged & ~np.isfinite(norm)).any():
        return "gradient"
    if logged.any():
        return "sentinel" if sentinel_groups(norm[logged]) and end - begin >= 2 else None
    if not writes_filtered_rows(run) or run.objective.kind == "rl":
        return None
    abrupt = begin > 0 and float(np.median(np.abs(loss.value[max(0, begin - 5) : begin]))) > DECAYED
    return "pattern" if abrupt and end == len(loss) else None


def sentinel_groups(norm: Floats) -> int | None:
    """Number of parameter groups k when every norm is sqrt(k), which DeepSpeed writes for k norms that are NaN.

    DeepSpeed replaces the norm of a group whose gradients are not finite by -1 and then takes the root of the summed
    squares (deepspeedai/DeepSpeed, `get_global_norm`).
    """
    if not norm.size or not np.isfinite(norm).all() or norm.max() > MAX_GROUPS or norm.min() <= 0.0:
        return None
    square = float(norm[0]) ** 2
    groups = round(square)
    alike = np.allclose(norm, norm[0], rtol=1e-6, atol=0.0)
    return groups if alike and 1 <= groups <= MAX_GROUPS and abs(square - groups) < 2e-3 * groups else None


def writes_filtered_rows(run: Measured) -> bool:
    """Whether the log comes from a Hugging Face Trainer or from a tool built on it, as far as the record tells.

    Where neither format nor settings say, the rows do: that Trainer prints the learning rate and a fractional epoch
    beside every loss, and few other loops do.
    """
    name = f"{run.record.log_format} {run.record.facts.text('framework') or ''}".lower()
    if any(word in name for word in TRAINER_WORDS):
        return True
    loss, epoch, rate = (run.record.get(f"train/{name}") for name in ("loss", "epoch", "learning_rate"))
    if loss is None or epoch is None or rate is None:
        return False
    fractional = epoch.value[np.isfinite(epoch.value)] % 1.0 != 0.0
    return min(len(epoch), len(rate)) >= len(loss) and bool(fractional.any())


def _runs(mask: Mask) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of each stretch of true values."""
    edge = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return list(zip(edge[::2].tolist(), edge[1::2].tolist(), strict=True))


def _windows(run: Measured, loss: Series, hidden: Mask, norm: Floats, logged: Mask) -> list[FilteredWindow]:
    """The distorted rows among those before hidden zeros and those whose gradient norm is NaN.

    A finite norm (of the last step of the window) shows that the window's last losses were finite, an infinite one
    that the loss was and backward overflowed: in both cases the filter did not multiply that row.
    """
    before_zero = np.zeros(len(loss), dtype=bool)
    before_zero[:-1] = hidden[1:] & ~hidden[:-1]
    is_nan = logged & (np.isnan(norm) | (hidden.any() and sentinel_groups(norm[logged]) is not None))
    possible = (before_zero & (is_nan | ~logged)) | (is_nan & writes_filtered_rows(run) & _may_be_giant(loss.value))
    begins, intervals = windows_of(run, loss)
    found = []
    for row in np.flatnonzero(possible & (loss.value > 0.0)).tolist():
        level = level_before(loss.value, row, skip=hidden)
        band = _band(run, level)
        kind = _kind(loss, row, level, band, follows=bool(before_zero[row]))
        if kind is None or band is None:
            continue
        window = FilteredWindow(
            row,
            int(loss.step[row]),
            float(loss.value[row]),
            kind,
            int(begins[row]),
            intervals[row] if intervals is not None else None,
            accumulation_of(run),
            band,
            (),
            zero_follows=bool(before_zero[row]),
        )
        solutions = _solutions(window)
        if solutions:
            found.append(replace(window, solutions=solutions))
    return found


def _may_be_giant(value: Floats) -> Mask:
    """Rows that are `GIANT` times the lowest loss among those that can tell their level, or that have none before."""
    positive = np.where(value > 0.0, value, np.inf)
    lowest = np.full(value.size, np.inf)
    for back in range(1, min(LOOK_BACK, value.size - 1) + 1):
        lowest[back:] = np.minimum(lowest[back:], positive[:-back])
    found: Mask = np.isinf(lowest) | (value / GIANT > lowest)
    return found


def _band(run: Measured, level: float | None) -> Band | None:
    """Plausible mean losses of a window: near the rows before it, or where such training starts.

    When the rows before it are far above any start, the loss had already exploded for real, and nothing is claimed.
    """
    start = start_band(run)
    if level is None:
        return start
    if start is not None and level > 2 * start.high:
        return None
    return Band(level / 2, level * 2, "the rows before it")


def _kind(
    loss: Series, row: int, level: float | None, band: Band | None, *, follows: bool
) -> Literal["giant", "isolated", "dip"] | None:
    """What the value of a candidate row looks like; `None` when it may be the plain loss."""
    value = float(loss.value[row])
    if band is None:
        return None
    if value > (band.high if level is None else GIANT * level):
        recovers = row + 1 < len(loss) and loss.value[row + 1] != 0.0
        return "isolated" if recovers else "giant"
    return "dip" if level is not None and follows and value < DIP * level else None


def _solutions(window: FilteredWindow) -> tuple[Solution, ...]:
    """Plausible solutions over every interval and accumulation that the files leave open.

    Only whole steps where something is left open and the value is not certain to be an artefact; otherwise the choice
    of the missing number could explain anything.
    """
    limits = (window.band.low, window.band.high)
    open_counts = (1,) if window.kind == "dip" else ACCUMULATIONS
    counts = (window.accumulation,) if window.accumulation else open_counts
    lengths = (window.interval,) if window.interval else INTERVALS
    guessed = window.accumulation is None and window.kind == "isolated"
    found: list[Solution] = []
    for length in lengths:
        for count in counts:
            found += solve(window.logged, length, count, limits, whole_only=guessed or window.interval is None)
    return tuple(sorted(found, key=lambda s: (not s.whole_steps, s.interval, s.accumulation, s.finite)))
