"""Which rows an optimizer step used, and how sure that is.

A sequential loader and the seeded shuffle of the Hugging Face `Trainer` (`SeedableRandomSampler` of accelerate: one
`torch.randperm` per epoch, seeded with seed + epoch) are followed row by row. Windows at random places have no rows to
name, only a share of the data that they touched by then. It does not know what the run did beside its plan: rows that
the trainer dropped, other users of a generator, several processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from trainclinic.catalogue.wording import count, number, percent
from trainclinic.dataset.course import Course, course_of, rows_of
from trainclinic.dataset.randperm import LARGEST, randperm
from trainclinic.dataset.row_places import place_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.record.source import Source

Certainty = Literal["exact", "exact if one process", "statistical", "impossible"]


@dataclass(frozen=True, slots=True)
class Placement:
    """The rows of one optimizer step.

    Attributes:
        rows: The rows, in the order in which they were read; empty when they cannot be named.
        certainty: How sure that is. `exact if one process` also stands for settings that nobody stated.
        why: The reason, as a sentence.
        passes: Passes over the data up to the end of the step; `None` when the batch size is not known.
        coverage: Share of the data that was used by then, 0-1.
    """

    rows: tuple[Source, ...]
    certainty: Certainty
    why: str
    passes: float | None
    coverage: float | None


def rows_of_step(data: Data, step: int) -> Placement:
    """The rows that an optimizer step used.

    Args:
        data: The data with the plan of the run.
        step: Optimizer step, from 1: step 1 is the first update.
    """
    course = course_of(data)
    if step < 1:
        return Placement((), "impossible", f"step `{step}` comes before the first update, which is step 1", 0.0, 0.0)
    last = data.plan.steps.value or course.steps
    if last is not None and step > last:
        return Placement((), "impossible", f"the plan ends with step {last:,}", None, None)
    if course.sequences is None or course.steps_per_epoch is None:
        return Placement((), "impossible", f"this needs {course.missing}", None, None)
    if data.plan.order.value == "random-windows":
        return _windows(data, step, course)
    passes = _passes(data, step, course)
    if course.by_tokens:
        why = "rows share sequences: only row ids and offsets that are logged while packing say which"
        return Placement((), "impossible", why, passes, min(1.0, passes))
    unknown = _why_not(data)
    if unknown is not None:
        return Placement((), "statistical", unknown, passes, min(1.0, passes))
    return _by_row(data, step, course, passes)


def _by_row(data: Data, step: int, course: Course, passes: float) -> Placement:
    epoch, inside = divmod(step - 1, course.steps_per_epoch or 1)
    per_step = data.plan.rows_per_step or 1
    rows = rows_of(data)
    order = _order(data, rows, epoch)
    at = order[inside * per_step : (inside + 1) * per_step]
    is_sure = not data.plan.processes.is_assumed and not data.plan.order.is_assumed
    how = (
        "rows are read in the order of the files"
        if data.plan.order.value == "sequential"
        else f"epoch {epoch + 1} is the permutation of `torch.randperm` with seed {(data.plan.seed.value or 0) + epoch}"
    )
    why = f"{how}; step {inside + 1} of {course.steps_per_epoch:,} in epoch {epoch + 1}"
    places = tuple(place_of(data, int(row)) for row in at)
    return Placement(places, "exact" if is_sure else "exact if one process", why, passes, min(1.0, passes))


def _order(data: Data, rows: int, epoch: int) -> NDArray[np.int64]:
    if data.plan.order.value == "sequential":
        return np.arange(rows, dtype=np.int64)
    return randperm(rows, (data.plan.seed.value or 0) + epoch)


def _why_not(data: Data) -> str | None:
    """Why rows cannot be named though each is used once an epoch; `None` when they can."""
    rows = rows_of(data)
    if not data.survey.is_complete:
        return "the data were not read to their end, so that the number of rows is not known"
    if data.survey.lost:
        return f"{count(data.survey.lost, 'row')} could not be read here: whether training used them is not known"
    if rows != data.survey.rows:
        return f"the run says that it trains on {rows:,} rows, and {data.survey.rows:,} were read: which is not known"
    if data.plan.processes.value > 1:
        return f"{data.plan.processes.value} processes share the rows, in an order that is not followed here"
    if data.plan.order.value == "sequential":
        return None
    if data.plan.seed.value is None:
        return "rows are shuffled, and each is used once an epoch; the seed of the sampler (`--seed`) names them"
    return f"{rows:,} rows are shuffled by another method" if rows > LARGEST else None


def _passes(data: Data, step: int, course: Course) -> float:
    epoch, inside = divmod(step, course.steps_per_epoch or 1)
    return epoch + min(1.0, inside * (data.plan.rows_per_step or 1) / (course.sequences or 1.0))


def _windows(data: Data, step: int, course: Course) -> Placement:
    passes = step * (data.plan.rows_per_step or 1) / (course.sequences or 1.0)
    coverage = 1.0 - exp(-passes)
    why = (
        f"windows at random places have no position in the file: after {step:,} steps {number(passes, 2)} passes are "
        f"drawn, which touch {percent(coverage)} of the tokens"
    )
    return Placement((), "statistical", why, passes, coverage)
