"""Pairs of logged numbers that measure one thing: two cross-entropies of one split, a summary and the rows it sums up.

It compares; a difference says that one of the two is computed differently, not which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.generalisation import SHARE

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

CROSS_ENTROPY = ("crossentropy", "nll", "ce", "xent")
"""Words in column names that claim the cross-entropy of the targets (`cross_entropy` is joined first)."""

TWIN_SHARE = 0.03
"""Relative difference that other averaging of the same batches, or the usual auxiliary terms, make at most."""

SUMMARY_SHARE = 0.05
"""Relative difference that an unlogged last window and warm-up rows make between a mean and the rows it sums up."""

MIN_ROWS = 5
"""Logged rows below which a mean over them says little about the mean over all steps."""


@dataclass(frozen=True, slots=True)
class Twins:
    """Two numbers that should be one.

    Attributes:
        left: Name of the first, a series.
        right: Name of the second, a series or a fact.
        step: Step of the compared values.
        left_value: Value of the first.
        right_value: Value of the second.
        agree: Whether they agree.
        what: `same split` or `summary`.
    """

    left: str
    right: str
    step: int
    left_value: float
    right_value: float
    agree: bool
    what: str


def twin_losses_of(run: Measured) -> tuple[Twins, ...]:
    """Compare every pair that was logged."""
    return (*_same_split(run), *_summary(run))


def _same_split(run: Measured) -> Iterator[Twins]:
    for name, series in run.record.series.items():
        joined = name.lower().replace("cross_entropy", "crossentropy").replace("/", "_")
        words = set(joined.split("_"))
        if (
            not (words & set(CROSS_ENTROPY) or "crossentropy" in joined)
            or name in ("train/loss", "eval/loss")
            or words & {"epoch"}
        ):
            continue
        split = "eval" if words & {"eval", "val", "valid", "validation", "test"} else "train"
        loss = run.loss_rows if split == "train" else run.eval_rows
        if loss is not None and series.unit in ("", loss.unit):
            yield from _compare(loss, series.final().finite())


def _compare(loss: Series, other: Series) -> Iterator[Twins]:
    _, i, j = np.intersect1d(loss.step, other.step, return_indices=True)
    if i.size < 2:
        return
    left, right = loss.value[i], other.value[j]
    difference = np.abs(left - right) / np.maximum(np.abs(left), 1e-9)
    middle = int(np.argsort(difference)[i.size // 2])
    agree = float(np.median(difference)) <= TWIN_SHARE
    yield Twins(
        loss.name, other.name, int(loss.step[i[middle]]), float(left[middle]), float(right[middle]), agree, "same split"
    )


def _summary(run: Measured) -> Iterator[Twins]:
    """A Trainer's final mean against the rows, unless a resume is on record (a part of the sum over all steps)."""
    said, loss = run.record.facts.number("final_train_loss"), run.loss_rows
    if said is None or loss is None or len(loss) < MIN_ROWS or run.train_loss is None:
        return
    whole = len(loss) == len(run.train_loss) and int(run.train_loss.segment[-1]) == 0
    late = int(loss.step[0]) > 0.2 * int(loss.step[-1])
    if not whole or late or run.record.axis != "step" or run.record.events_of("resume"):
        return
    spans = np.diff(np.concatenate([[0], loss.step]))
    mean = float(np.average(loss.value, weights=spans))
    agree = abs(said - mean) <= max(SUMMARY_SHARE * abs(mean), SHARE)
    yield Twins("train/loss", "final_train_loss", int(loss.step[-1]), mean, said, agree, "summary")
