"""What the inversion of the NaN filter needs to know about a run: windows, accumulation, plausible losses.

The window of a row is the steps since the row before it, never the configured interval alone: a trainer also logs on
the first step, at a resume and at the end. This module does not know the filter's formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Floats, Integers, Series
    from trainclinic.signals.measured import Measured

LEVEL_ROWS = 10
"""Rows that tell the level before a row: enough for a median that one outlier does not move."""

LOOK_BACK = 4 * LEVEL_ROWS
"""How far back usable rows are looked for when rows in between are no losses."""

TOKEN_START = (0.5, 6.0)
"""First losses that fine-tuning of an intact model starts with, nats/token: code and mathematics down to 0.5, a foreign
domain or a chat template on a small base up to 6 (a word-frequency table costs about 6.5)."""

CHOICE_START = (0.1, 3.0)
"""First losses of classifiers and of preference pairs: ln 2 to ln 20 when nothing is learned yet."""

REFERENCE_MARGIN = 1.5
"""A domain or a template moves the start of a known model by up to half of its published range."""


@dataclass(frozen=True, slots=True)
class Band:
    """Mean losses that count as plausible.

    Attributes:
        low: Lowest.
        high: Highest.
        source: What says so, as a noun phrase.
    """

    low: float
    high: float
    source: str


def accumulation_of(run: Measured) -> int | None:
    """Micro-batches per optimizer step: configured, or the global batch over micro-batch and processes."""
    facts = run.record.facts
    said = facts.number("accumulation_steps")
    if said is not None and said >= 1:
        return int(said)
    total, micro = facts.number("global_batch_size"), facts.number("micro_batch_size")
    if total is None or micro is None or micro <= 0:
        return None
    ratio = total / (micro * (facts.number("world_size") or 1.0))
    return int(ratio) if ratio >= 1 and ratio == int(ratio) else None


def windows_of(run: Measured, loss: Series) -> tuple[Integers, list[int] | None]:
    """The step that each row's window begins after, `[n]`, and the window lengths (`None` when steps are unknown).

    The first row's window is its own step number, unless the run starts in the middle (a resume): then it is as long
    as the next one.
    """
    configured = run.record.facts.number("logging_steps")
    fixed = int(configured) if configured is not None and configured >= 1 else None
    if run.record.axis != "step":
        return loss.step - 1, None if fixed is None else [fixed] * len(loss)
    length = np.diff(loss.step, prepend=0)
    usual = int(np.median(length[1:])) if len(loss) > 1 else fixed
    if usual is not None and length[0] > usual:
        length[0] = usual
    length = np.maximum(length, 1)
    return loss.step - length, [int(n) for n in length]


def level_before(value: Floats, row: int, *, skip: NDArray[np.bool_]) -> float | None:
    """Median of the usable rows before `row`, or `None` when there is none.

    Args:
        value: Logged losses, `[n]`.
        row: The row in question.
        skip: Rows that are no losses, `[n]`.
    """
    first = max(0, row - LOOK_BACK)
    usable = ~skip[first:row] & np.isfinite(value[first:row]) & (value[first:row] > 0.0)
    before = value[first:row][usable][-LEVEL_ROWS:]
    return float(np.median(before)) if before.size else None


def start_band(run: Measured) -> Band | None:
    """First losses that this kind of training starts with, or `None` when the kind has no typical start."""
    objective = run.objective
    if objective.kind in ("classification", "preference", "reward"):
        return Band(*CHOICE_START, f"{objective.kind} training")
    if objective.is_language_model is False or objective.kind == "speech":
        return None
    reference = run.baselines.reference if run.baselines is not None else None
    if reference is not None and reference.start is not None and not reference.generic:
        low, high = reference.start
        return Band(low / REFERENCE_MARGIN, high * REFERENCE_MARGIN, f"fine-tuning starts of {reference.title}")
    return Band(*TOKEN_START, "fine-tuning starts of intact language models")
