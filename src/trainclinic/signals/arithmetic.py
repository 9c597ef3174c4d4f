"""Relations between logged values that must hold, checked with the numbers.

A relation that fails says that one of its members is not what its name says; it does not say which one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.wording import number
from trainclinic.signals.position import stated
from trainclinic.signals.schedule_rows import tolerance_of

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

LOOSE = 0.02
"""Relative difference that averaging over a window, a last short batch or a rounding of our own can make."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One checked relation.

    Attributes:
        name: Short name, e.g. `perplexity is exp(loss)`.
        holds: Whether it holds within the printed digits (and `LOOSE` where averages are compared).
        says: The numbers, in a sentence without full stop.
        error: Largest relative difference that was seen.
        step: Step of that difference, when the relation is about rows.
        series: Series it is about; empty for relations between settings.
    """

    name: str
    holds: bool
    says: str
    error: float
    step: int | None = None
    series: str = ""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """All relations of a run that could be checked.

    Attributes:
        relations: In a fixed order.
    """

    relations: tuple[Relation, ...]

    @property
    def violated(self) -> tuple[Relation, ...]:
        """The relations that do not hold."""
        return tuple(relation for relation in self.relations if not relation.holds)


@np.errstate(all="ignore")
def arithmetic_of(run: Measured) -> Arithmetic:
    """Check every relation whose members were logged."""
    return Arithmetic((*_perplexities(run), *_counters(run), *_plans(run), *_times(run)))


def _pairs(left: Series | None, right: Series | None) -> tuple[Series, Series] | None:
    """Two series at their common steps with finite values, or `None`."""
    if left is None or right is None:
        return None
    left, right = left.final().finite(), right.final().finite()
    _, i, j = np.intersect1d(left.step, right.step, return_indices=True)
    if not i.size:
        return None
    return left.where(np.isin(np.arange(len(left)), i)), right.where(np.isin(np.arange(len(right)), j))


def _perplexities(run: Measured) -> Iterator[Relation]:
    for split in ("train", "eval"):
        pair = _pairs(run.record.get(f"{split}/loss"), run.record.get(f"{split}/perplexity"))
        if pair is None:
            continue
        loss, shown = pair
        use = (loss.value < 50) & (shown.value > 0)
        if not use.any():
            continue
        loss, shown = loss.where(use), shown.where(use)
        gap = np.abs(np.log(shown.value) - loss.value)
        slack = tolerance_of(loss) + tolerance_of(shown) / shown.value + LOOSE * np.maximum(loss.value, 0.1)
        worst = int(np.argmax(gap - slack))
        yield Relation(
            f"{split} perplexity is exp(loss)",
            float(np.mean(gap > slack)) <= 0.1,
            f"at step {loss.step[worst]} exp({number(loss.value[worst])}) is {number(math.exp(loss.value[worst]))}, "
            f"the logged perplexity is {number(shown.value[worst])}",
            float(gap[worst]),
            int(loss.step[worst]),
            f"{split}/perplexity",
        )


def _counters(run: Measured) -> Iterator[Relation]:
    epoch = run.record.get("train/epoch")
    if epoch is not None and run.record.axis == "step":
        passes = epoch.final().finite()
        fractional = passes.value[passes.value > 0]
        if fractional.size >= 3 and np.any(fractional != np.round(fractional)):
            yield _proportional(passes)
    tokens = run.record.get("train/tokens")
    rows = tokens.final().finite() if tokens is not None else None
    if rows is not None and len(rows):
        falls = np.flatnonzero(np.diff(rows.value) < 0)
        at = int(falls[0]) + 1 if falls.size else len(rows) - 1
        says = f"the token counter is {number(rows.value[at])} at step {rows.step[at]}"
        yield Relation("tokens only grow", not falls.size, says, float(falls.size), int(rows.step[at]), "train/tokens")
        yield from _tokens_fit(run, rows)


def _proportional(rows: Series) -> Relation:
    """Steps per epoch must be one number over the whole run."""
    use = rows.value > 0.02 * rows.value.max()
    step, value, slack = rows.step[use], rows.value[use], tolerance_of(rows)[use]
    ratio = step / value
    middle = float(np.median(ratio))
    gap = np.abs(ratio - middle) / middle - slack / value
    worst = int(np.argmax(gap))
    return Relation(
        "steps per epoch are constant",
        bool(gap[worst] <= LOOSE),
        f"{number(middle)} steps per epoch over the run, {number(float(ratio[worst]))} at step {step[worst]}",
        max(float(gap[worst]), 0.0),
        int(step[worst]),
        "train/epoch",
    )


def _tokens_fit(run: Measured, rows: Series) -> Iterator[Relation]:
    position = run.position
    if position is None or position.sequences_per_step is None or position.sequence_length is None or position.assumed:
        return
    most = position.sequences_per_step * position.sequence_length * int(rows.step[-1])
    if most > 0:
        share = float(rows.value[-1]) / most
        says = f"{number(rows.value[-1])} tokens at step {rows.step[-1]}, at most {number(most)} fit into the batches"
        yield Relation(
            "tokens fit into the batches", share <= 1 + LOOSE, says, share, int(rows.step[-1]), "train/tokens"
        )


def _plans(run: Measured) -> Iterator[Relation]:
    whole = stated(run, "global_batch_size")
    parts = [stated(run, name) for name in ("micro_batch_size", "accumulation_steps", "world_size")]
    if whole and parts[0] and parts[1]:
        product = math.prod(part or 1.0 for part in parts)
        factor = whole / product
        known = parts[2] is not None
        yield Relation(
            "global batch is micro-batch times accumulation times devices",
            abs(factor - 1) < 1e-9 or (not known and factor == int(factor)),
            f"global batch {number(whole)}, micro-batch {number(parts[0])}, accumulation {number(parts[1])}, "
            f"devices {number(parts[2]) if parts[2] else 'not stated'}",
            abs(factor - 1),
        )
    planned, epochs = stated(run, "planned_steps"), stated(run, "planned_epochs")
    position = run.position
    if planned and epochs and epochs > 0 and position is not None and position.steps_per_epoch:
        expected = epochs * position.steps_per_epoch
        off = abs(planned - expected)
        yield Relation(
            "planned steps are epochs times steps per epoch",
            off <= epochs + LOOSE * expected or planned < expected,  # `max_steps` may end a run earlier
            f"{number(planned)} planned steps, {number(epochs)} epochs of {number(position.steps_per_epoch)} steps",
            off / expected,
        )
    yield from _rows_and_steps(run)


def _rows_and_steps(run: Measured) -> Iterator[Relation]:
    position, rows = run.position, stated(run, "dataset_rows")
    if position is None or not rows or not position.sequences_per_step or run.record.facts.flag("packing"):
        return
    spread = position.steps_per_epoch_range
    if spread is None or run.record.get("train/epoch") is None or position.assumed:
        return
    expected = rows / position.sequences_per_step
    holds = spread[0] * (1 - LOOSE) - 1 <= expected <= spread[1] * (1 + LOOSE) + 1
    yield Relation(
        "steps per epoch are rows divided by the global batch",
        holds,
        f"{number(rows)} rows in batches of {number(position.sequences_per_step)} make {number(expected)} steps, "
        f"the epoch column says {number(0.5 * sum(spread))}",
        abs(expected / (0.5 * sum(spread)) - 1),
    )


def _times(run: Measured) -> Iterator[Relation]:
    runtime, throughput = stated(run, "train_runtime"), run.throughput
    if not runtime or throughput is None or throughput.clock is None or run.record.events_of("resume"):
        return
    seconds = float(throughput.clock.middle[-1])
    step = int(throughput.clock.step[-1])
    says = f"the summary reports {number(runtime)} s, the clock stood at {number(seconds)} s at step {step}"
    yield Relation(
        "the clock agrees with the reported runtime", seconds <= runtime * (1 + LOOSE) + 5, says, seconds / runtime
    )
