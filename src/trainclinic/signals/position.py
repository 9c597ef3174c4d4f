"""Where in the data a step lies: tokens, epochs, expected passes; and when such a place does not exist.

This module knows batch arithmetic and samplers. It does not know the data itself: which rows a step held can only be
told from the data and the sampler's seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.schedule_rows import tolerance_of

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

MOST = 1e15
"""Counts above this are no counts; products of three of them still fit into a float."""
Sampling = Literal["random crops", "epochs", "unknown"]


@dataclass(frozen=True, slots=True)
class Position:
    """The arithmetic of batches.

    Attributes:
        sampling: `random crops` when each batch is drawn anew from anywhere (no epochs and no order exist), `epochs`
            when passes over the data are counted, else `unknown`.
        sequences_per_step: Sequences per optimizer step; `None` when a factor of it is not known.
        sequence_length: Longest sequence in tokens; `None` when not known.
        is_upper_bound: Whether `tokens_at` counts padding too (sequences may be shorter than the limit).
        steps_per_epoch: Optimizer steps per pass over the data.
        steps_per_epoch_range: Values that the printed digits of the epoch column allow.
        row_range: Rows that the data must have by steps per epoch and batch size, lowest and highest.
        data_tokens: Tokens of the training data; `None` when not known.
        logged_tokens: `(step, tokens)` of the last row of the token counter; `None` without one.
        assumed: Factors that nobody stated and that were taken as 1.
    """

    sampling: Sampling
    sequences_per_step: float | None = None
    sequence_length: float | None = None
    is_upper_bound: bool = True
    steps_per_epoch: float | None = None
    steps_per_epoch_range: tuple[float, float] | None = None
    row_range: tuple[int, int] | None = None
    data_tokens: float | None = None
    logged_tokens: tuple[int, float] | None = None
    assumed: tuple[str, ...] = ()

    def tokens_at(self, step: float) -> float | None:
        """Token positions that went into the first `step` optimizer steps; at most, when `is_upper_bound`."""
        if self.sequences_per_step is not None and self.sequence_length is not None:
            return step * self.sequences_per_step * self.sequence_length
        if self.logged_tokens is not None and self.logged_tokens[0] > 0:
            return self.logged_tokens[1] * step / self.logged_tokens[0]
        return None

    def epoch_at(self, step: float) -> float | None:
        """Passes over the data at `step`; `None` when there is no such thing or it is not known."""
        return step / self.steps_per_epoch if self.steps_per_epoch else None

    def passes_at(self, step: float) -> float | None:
        """Expected number of times that each token was a target; for random crops the mean of a Poisson count."""
        if self.sampling == "epochs":
            return self.epoch_at(step)
        tokens = self.tokens_at(step)
        return tokens / self.data_tokens if tokens is not None and self.data_tokens else None

    def share_seen_at(self, step: float) -> float | None:
        """Expected share of the data seen at least once; `1 - exp(-passes)` for random crops."""
        passes = self.passes_at(step)
        if passes is None or passes < 0:
            return None
        return 1.0 - math.exp(-passes) if self.sampling == "random crops" else min(1.0, passes)

    def says_at(self, step: int) -> str:
        """One sentence on which part of the data step `step` holds, or why that cannot be said."""
        if self.sampling == "random crops":
            return f"batches are random crops, so no region of the data belongs to step {step}"
        if self.steps_per_epoch is None or self.sequences_per_step is None:
            return f"the log does not say which rows belong to step {step}"
        epoch, inside = divmod(step - 1, self.steps_per_epoch)
        first = int(inside * self.sequences_per_step)
        return (
            f"step {step} holds places {first:,} to {int(first + self.sequences_per_step - 1):,} of the shuffled order "
            f"of epoch {int(epoch) + 1}; which rows these are follows from the sampler's seed"
        )


@np.errstate(all="ignore")
def position_of(run: Measured) -> Position | None:
    """Position arithmetic of a run; `None` when its axis is not optimizer steps or nothing at all is known."""
    record = run.record
    if record.axis != "step":
        return None
    facts = record.facts
    spread = steps_per_epoch_range(record.get("train/epoch"))
    sequences, assumed = _sequences_per_step(run)
    length = stated(run, "sequence_length")
    rows = stated(run, "dataset_rows")
    if spread is None and rows and sequences:
        spread = (rows / sequences, math.ceil(rows / sequences))
    spread = spread if spread is not None and 0 < spread[0] <= spread[1] < MOST else None
    per_epoch = _single(spread)
    random = spread is None and "planned_epochs" not in facts and _draws_crops(run)
    tokens = record.get("train/tokens")
    counted = tokens.finite() if tokens is not None else None
    if spread is None and sequences is None and counted is None:
        return None
    return Position(
        sampling="random crops" if random else "epochs" if spread is not None else "unknown",
        sequences_per_step=sequences,
        sequence_length=length,
        is_upper_bound=not (random or facts.flag("packing")),
        steps_per_epoch=per_epoch,
        steps_per_epoch_range=spread,
        row_range=_row_range(per_epoch, run),
        data_tokens=stated(run, "dataset_tokens"),
        logged_tokens=(int(counted.step[-1]), float(counted.value[-1]))
        if counted is not None and len(counted)
        else None,
        assumed=assumed,
    )


def _draws_crops(run: Measured) -> bool:
    """Whether the log is one of a nanoGPT-style loop, whose `get_batch` crops the data at random places.

    Such a loop estimates training and validation loss together, so every row of the first has one of the second.
    """
    facts, train, evaluation = run.record.facts, run.record.get("train/loss"), run.record.get("eval/loss")
    if "evaluation_batches" in facts or (facts.text("framework") or "").lower() == "nanogpt":
        return True
    if train is None or evaluation is None or facts.number("sequence_length") is None:
        return False
    return len(train) >= 2 and bool(np.isin(train.step, evaluation.step).all())


def steps_per_epoch_range(epoch: Series | None) -> tuple[float, float] | None:
    """Steps per epoch that the epoch column allows: `s / e` within its digits, or the distance of whole epochs.

    Args:
        epoch: Position in passes over the data, as logged; `None` gives `None`.
    """
    rows = epoch.final().finite() if epoch is not None else None
    rows = rows.where((np.abs(rows.step) < MOST) & (np.abs(rows.value) < MOST)) if rows is not None else None
    if rows is None or not np.any(rows.value > 0) or np.any(np.diff(rows.value) < 0):
        return None
    whole = bool(np.all(rows.value == np.round(rows.value)))
    if whole and np.unique(rows.value).size > 1:
        return _range_of_whole_epochs(rows)
    if whole and len(rows) > 1:
        return None
    slack = tolerance_of(rows)
    first_pass = (rows.value > 2 * slack) & (rows.value <= max(1.0, float(rows.value.min())))
    use = first_pass if first_pass.any() else rows.value > 2 * slack
    if not use.any():
        return None
    step, value, slack = rows.step[use], rows.value[use], slack[use]
    low, high = float((step / (value + slack)).max()), float((step / (value - slack)).min())
    if low <= high:
        return low, high
    middle = float(np.median(step / value))
    error = 3.0 * float(np.median(np.abs(step / value - middle)))
    return (middle - error, middle + error) if error < 0.2 * middle else None


def _range_of_whole_epochs(rows: Series) -> tuple[float, float] | None:
    change = np.flatnonzero(np.diff(rows.value) > 0)
    if change.size < 2:
        return None
    passes = float(rows.value[change[-1]] - rows.value[change[0]])
    low = float(rows.step[change[-1]] - rows.step[change[0] + 1]) / passes
    high = float(rows.step[change[-1] + 1] - rows.step[change[0]]) / passes
    return (low, high) if 0 < low <= high else None


def _single(spread: tuple[float, float] | None) -> float | None:
    """The one value that a range stands for: its only integer, or its middle when it is narrow."""
    if spread is None:
        return None
    low, high = spread
    whole = math.ceil(low - 1e-6)
    if whole >= 1 and math.floor(high + 1e-6) == whole:
        return float(whole)
    return 0.5 * (low + high) if high - low < 0.02 * high else None


def stated(run: Measured, name: str) -> float | None:
    """A configured count when it is one: above zero and of a size that exists; else `None`."""
    value = run.record.facts.number(name)
    return value if value is not None and 1 / MOST < value < MOST else None


def _sequences_per_step(run: Measured) -> tuple[float | None, tuple[str, ...]]:
    whole = stated(run, "global_batch_size")
    if whole:
        return whole, ()
    micro = stated(run, "micro_batch_size")
    if not micro:
        return None, ()
    parts = {name: stated(run, name) for name in ("accumulation_steps", "world_size")}
    missing = tuple(name for name, value in parts.items() if not value)
    return micro * math.prod(value or 1.0 for value in parts.values()), missing


def _row_range(per_epoch: float | None, run: Measured) -> tuple[int, int] | None:
    micro, accumulation = stated(run, "micro_batch_size"), stated(run, "accumulation_steps")
    if per_epoch is None or not micro or not accumulation:
        return None
    batches = round(per_epoch * accumulation)
    ranks = stated(run, "world_size") or 1.0
    return int((batches - 1) * micro * ranks + 1), int(batches * micro * ranks)
