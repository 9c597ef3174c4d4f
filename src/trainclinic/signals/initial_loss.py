"""The loss that the run began with, and where it lies between word frequencies and uniform guessing.

A Trainer logs the mean of a window, so a first row at step 10 already holds some descent: the value is then a lower
bound, and the early slope gives an estimate for step 0. The reading names where the level lies; it is a
position, not a cause. A run that begins in the middle (resumed) has no initial loss here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.record.source import Source
    from trainclinic.signals.loss_baselines import Baselines
    from trainclinic.signals.measured import Measured

Reading = Literal[
    "almost-zero",
    "normal",
    "raised",
    "context-ignored",
    "misaligned-range",
    "uniform",
    "above-uniform",
    "giant",
    "unplaced",
]

ALMOST_ZERO = 0.3
"""Nats/token; no text is predicted this well before training on it (reference models start above 0.5)."""

UNIFORM_HALF_WIDTH = 0.3
"""Nats around ln V: a fresh head adds var(logits)/2 = 0.0-0.2, sampling error of one batch below 0.1."""

ABOVE_UNIFORM = 0.7
"""Nats above ln V from which random initialisation no longer explains the level."""

GIANT = 50.0
"""Nats/token; random ids on a sharp model cost 12-18, uninitialised rows up to 30: above that a scale is wrong."""

FREQUENCY_BAND = 0.5
"""Nats around the unigram entropy in which a model uses no context."""

MISALIGNED = (0.3, 0.75)
"""Share of the way from word frequencies to uniform where confident predictions of the wrong position lie."""


@dataclass(frozen=True, slots=True)
class InitialLoss:
    """The first loss of a run, in the unit of the loss.

    Attributes:
        value: As logged.
        step: Step of that row.
        series: `train/loss` or `eval/loss`.
        source: Where it was read.
        is_window_mean: Whether descent up to `step` is averaged in, so that the true start is at or above `value`.
        at_start: Estimate for step 0: equal to `value` unless it is a window mean with a falling second row.
        spread: Scatter of the next rows, 1 sd; 0 when fewer than three rows follow.
        reading: Where `at_start` lies.
        standardised: (value - unigram) / (uniform - unigram): 0 word frequencies, 1 uniform; `None` without both.
    """

    value: float
    step: int
    series: str
    source: Source
    is_window_mean: bool
    at_start: float
    spread: float
    reading: Reading
    standardised: float | None


def initial_loss_of(run: Measured) -> InitialLoss | None:
    """The first loss of a run; `None` when nothing was logged or the log begins in the middle of training."""
    series = _first_series(run)
    if series is None or begins_in_the_middle(run, series):
        return None
    value, step = float(series.value[0]), int(series.step[0])
    window = _is_window_mean(run, series)
    start = _at_start(series) if window else value
    after = series.value[1:6]
    spread = float(np.std(np.diff(after)) / math.sqrt(2.0)) if after.size >= 3 else 0.0
    baselines = run.baselines
    standardised = _standardise(value, baselines)
    return InitialLoss(
        value=value,
        step=step,
        series=series.name,
        source=series.source(0),
        is_window_mean=window,
        at_start=start,
        spread=spread,
        reading=place(value, start, baselines),
        standardised=standardised,
    )


def place(value: float, start: float, baselines: Baselines | None) -> Reading:
    """Where a first loss lies. Levels that need a high loss use the logged value, a lower bound.

    Args:
        value: As logged.
        start: Estimate for step 0.
        baselines: Levels to compare with; without a vocabulary only the extremes can be told.
    """
    if value >= GIANT:
        return "giant"
    if start < ALMOST_ZERO:
        return "almost-zero"
    if baselines is None or baselines.uniform is None:
        return "unplaced"
    uniform, frequencies = baselines.uniform, baselines.frequencies
    if value > uniform + ABOVE_UNIFORM:
        return "above-uniform"
    if value > uniform - UNIFORM_HALF_WIDTH:
        return "uniform"
    if frequencies is None or frequencies >= uniform:
        return "unplaced"
    share = (value - frequencies) / (uniform - frequencies)
    if MISALIGNED[0] <= share <= MISALIGNED[1]:
        return "misaligned-range"
    if abs(value - frequencies) <= FREQUENCY_BAND:
        return "context-ignored"
    expected = baselines.reference.start if baselines.reference is not None else None
    if expected is not None and value > expected[1]:
        return "raised"
    return "normal" if value < frequencies else "raised"


def begins_in_the_middle(run: Measured, series: Series) -> bool:
    """Whether the first row lies well past the first logging interval, as after a resume or in a cut log."""
    if run.record.axis != "step":
        return run.record.axis == "row" and _epoch_is_under_way(run) and not _warm_up_begins(run)
    first = int(series.step[0])
    start = run.record.facts.number("start_step")
    if start is not None and start > 0:
        return True
    interval = run.record.facts.number("logging_steps")
    if len(series) > 1:
        interval = max(interval or 0.0, float(np.median(np.diff(series.step[:20]))))
    if interval is None or interval <= 0:
        return first > LONGEST_FIRST_WINDOW
    return first > 2 * interval + 1


def _epoch_is_under_way(run: Measured) -> bool:
    """Whether the first logged epoch lies several rows into a pass, for logs that have lost their steps."""
    epoch = run.record.get("train/epoch")
    if epoch is None or len(epoch) < 3:
        return False
    values = epoch.value[np.isfinite(epoch.value)][:20]
    gap = float(values[-1] - values[0]) / (values.size - 1) if values.size > 2 else 0.0  # printed with two digits
    return gap > 0 and float(values[0]) > 3.0 * gap


def _warm_up_begins(run: Measured) -> bool:
    """Whether the first logged rate is exactly 0 and the next one is not: only a first step has no rate yet."""
    rate = run.record.get("train/learning_rate")
    return rate is not None and len(rate) > 1 and rate.value[0] == 0.0 and bool(rate.value[1] > 0.0)


LONGEST_FIRST_WINDOW = 500
"""Default logging interval of the Trainer: a lone first row beyond it does not belong to the beginning."""


def _first_series(run: Measured) -> Series | None:
    """The evaluation when it came first (it is not averaged over training), else the training loss."""
    train, held_out = run.loss_rows, run.eval_rows
    if train is None:
        return held_out
    if held_out is not None and int(held_out.step[0]) == 0 and int(train.step[0]) > 0:
        return held_out
    return train


def _is_window_mean(run: Measured, series: Series) -> bool:
    if series.name != "train/loss":
        return False
    if run.record.axis == "epoch":
        return True
    return run.record.axis == "step" and int(series.step[0]) > 1


def _at_start(series: Series) -> float:
    """Extrapolate half a window back with the slope of the first two rows, at most by their distance."""
    value = float(series.value[0])
    if len(series) < 2:
        return value
    fall = value - float(series.value[1])
    window, gap = int(series.step[0]), int(series.step[1] - series.step[0])
    return value + max(0.0, fall) * min(1.0, 0.5 * window / max(gap, 1))


def _standardise(value: float, baselines: Baselines | None) -> float | None:
    if baselines is None or baselines.uniform is None or baselines.frequencies is None:
        return None
    width = baselines.uniform - baselines.frequencies
    return (value - baselines.frequencies) / width if width > 0.5 else None
