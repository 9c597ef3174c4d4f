"""The first value that a run logged: whether it was computed on the weights as loaded, and what it looks like.

A value that is wrong before the weights were changed clears the optimizer and its rate. An evaluation at step 0, the
row of step 0 or 1 and a first row at learning rate 0 were computed before any update. So was the first batch of a
window whose mean is exactly 0: a mean of losses is 0 only when each of them is, and a filter of non-finite losses
writes 0 only when the very first was one. Where a level lies is asked of `initial_loss`; what made it is not known
here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.alignment import values_at
from trainclinic.signals.initial_loss import ALMOST_ZERO, begins_in_the_middle
from trainclinic.signals.nan_filter import sentinel_groups, writes_filtered_rows

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured

Kind = Literal["finite", "distorted", "zero", "not-finite", "norm-not-finite"]
Level = Literal["plausible", "too-high", "too-low", "open"]

FEWEST_NORMS = 5
"""Rows that all have a non-finite norm beside finite losses: the weights were never stepped on it."""
FALLEN = -0.02
"""A loss that falls by more was trained after all, whatever its norm says."""
MARGIN = 0.5
"""Nats above the highest known start that foreign text, template tokens and short windows cost."""
PLAUSIBLE = (0.5, 4.5)
"""Nats per token at which intact pretrained language models of any size start on text, code and chats."""
UNSURE_LEAST = 0.8
"""The lower end where nothing says that the loss is one of tokens: two classes start at 0.69."""
GENTLE, MOST = 4e-5, 13.0
"""A rate that only fine-tuning uses, and the most nats that a token loss of unknown kind begins with."""
IMPLAUSIBLE = 7.0
"""Nats per token above which no intact pretrained language model starts: word frequencies alone score 6.5."""


@dataclass(frozen=True, slots=True)
class FirstValue:
    """The first value of a run.

    Attributes:
        kind: `finite`; `distorted` (written by the filter of non-finite losses; `loss` is the mean behind it); `zero`;
            `not-finite`; `norm-not-finite` (the loss is finite, the gradient norm is not).
        value: As logged.
        loss: The loss that it stands for; NaN when there is none.
        step: Its step.
        series: The series it was read from.
        source: Where it was read.
        before_update: Whether it was computed before the weights changed; `None` inside a longer window.
        because: Why that is so, in words; empty for `None`.
        level: Where a finite loss lies for an intact pretrained language model; `open` when nothing can be compared.
        compared: What the level was compared with, in words; empty for `open`.
    """

    kind: Kind
    value: float
    loss: float
    step: int
    series: str
    source: Source
    before_update: bool | None
    because: str
    level: Level = "open"
    compared: str = ""


def first_value_of(run: Measured) -> FirstValue | None:
    """The first value of a run; `None` when no loss was logged or the log begins in the middle of training."""
    series = _first_series(run)
    if series is None or begins_in_the_middle(run, series) or run.record.facts.number("start_step"):
        return None
    because = _before_update(run, series)
    value, step = float(series.value[0]), int(series.step[0])
    kind, loss = _kind(run, series, early=bool(because))
    if kind == "zero" and not because and _logs_window_means(run):
        because = "the mean of the first window is exactly 0, so its first batch was 0 or not finite"
    name, source = series.name, series.source(0)
    if kind == "norm-not-finite":
        norm = run.record.get("train/grad_norm")
        if norm is not None:
            value, name, source = float(norm.final().value[0]), norm.name, norm.final().source(0)
            because = because or _never_stepped(run)
    level, compared = _level(run, loss) if np.isfinite(loss) and loss > 0 else ("open", "")
    return FirstValue(kind, value, loss, step, name, source, bool(because) or None, because, level, compared)


def _first_series(run: Measured) -> Series | None:
    """The evaluation when it came before the first training row, else the training loss."""
    train, held_out = run.train_loss, run.eval_loss
    if train is None or held_out is None:
        return train if train is not None else held_out
    if run.record.axis == "step" and int(held_out.step[0]) <= 1 < int(train.step[0]):
        return held_out
    return train


def _before_update(run: Measured, series: Series) -> str:
    """Why the first row was computed before any update; empty when that is open."""
    step = int(series.step[0])
    if run.record.axis == "step" and step <= 1:
        if series.name == "eval/loss":
            return f"it is an evaluation at step {step}, before training"
        return "it is computed before the first update"
    rate, logged = values_at(run.record.get("train/learning_rate"), series.step)
    if series.name == "train/loss" and logged[0] and rate[0] == 0.0 and bool((rate[1:][logged[1:]] > 0.0).any()):
        return "the learning rate of its row is still 0, the first of a warm-up"
    return ""


def _kind(run: Measured, series: Series, *, early: bool) -> tuple[Kind, float]:
    """What the first row is, and the loss that it stands for."""
    value = float(series.value[0])
    if not np.isfinite(value):
        return "not-finite", np.nan
    if value == 0.0:
        return "zero", np.nan
    if series.name == "eval/loss":
        return "finite", value
    windows = run.nan_filter.windows if run.nan_filter is not None else ()
    if windows and windows[0].row == 0:
        best = windows[0].best
        return "distorted", best.mean_loss if best is not None else np.nan
    norm, logged = values_at(run.record.get("train/grad_norm"), series.step)
    broken = logged & ~np.isfinite(norm)
    stands_in = bool(logged[0]) and logged.sum() >= 2 and sentinel_groups(norm[logged]) is not None
    hides = run.nan_filter is not None and run.nan_filter.hidden_by == "sentinel"
    if (stands_in and hides) or (broken[0] and (_lasts(broken[logged]) if early else bool(_never_stepped(run)))):
        return "norm-not-finite", value
    return "finite", value


def _logs_window_means(run: Measured) -> bool:
    """Whether rows are means over their window, as those of the Trainer of transformers and the tools built on it."""
    return writes_filtered_rows(run) or all(
        run.record.get(f"train/{name}") is not None for name in ("learning_rate", "epoch")
    )


def _lasts(broken: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
    """Whether the norm is not finite for longer than a scaler takes to find its scale, or to the end."""
    return bool(broken[:FEWEST_NORMS].all()) and broken.size >= 2


def _never_stepped(run: Measured) -> str:
    """Why no update can have happened although no step is told; empty when one may have."""
    gradients, loss = run.gradients, run.train_loss
    if gradients is None or loss is None or gradients.not_finite.pattern != "every row":
        return ""
    flat = gradients.loss_change is None or gradients.loss_change > FALLEN
    if gradients.not_finite.rows < FEWEST_NORMS or not bool(np.isfinite(loss.value).all()) or not flat:
        return ""
    return "the norm is broken in every row and the loss stays finite and flat, so no update has changed the weights"


def _level(run: Measured, loss: float) -> tuple[Level, str]:
    """Where a positive first loss lies for a model that starts from pretrained weights."""
    objective, baselines = run.objective, run.baselines
    if objective.is_language_model is False or objective.kind == "speech" or objective.loss_unit == "bits/token":
        return "open", ""
    if objective.started_from == "scratch":
        return "open", ""
    reference = baselines.reference if baselines is not None else None
    if reference is not None and reference.start is not None:
        low, high = reference.start
        known = f"{reference.title} starts at {low:.2g}-{high:.2g}"
        if loss > high + MARGIN:
            return "too-high", known
        return ("plausible", known) if loss >= min(ALMOST_ZERO, low) else ("too-low", known)
    known = f"intact pretrained language models start at {PLAUSIBLE[0]:g}-{PLAUSIBLE[1]:g} nats per token"
    least = PLAUSIBLE[0] if objective.is_language_model else UNSURE_LEAST
    if (objective.is_language_model or _logs_window_means(run)) and least <= loss <= PLAUSIBLE[1]:
        return "plausible", known
    if loss > IMPLAUSIBLE and objective.kind == "causal-lm" and objective.started_from == "pretrained":
        return "too-high", known
    if IMPLAUSIBLE < loss <= MOST and objective.kind in ("causal-lm", "unknown") and _is_tuned_gently(run):
        return "too-high", f"a learning rate of {GENTLE:g} at most is one of fine-tuning, and {known}"
    if loss < ALMOST_ZERO and objective.is_language_model is True:
        return "too-low", known
    return "open", ""


def _is_tuned_gently(run: Measured) -> bool:
    """Whether a language model, or a tool that mostly starts from checkpoints, runs at a rate of fine-tuning."""
    return (_logs_window_means(run) or run.objective.kind == "causal-lm") and gentle_peak(run) is not None


def gentle_peak(run: Measured) -> float | None:
    """The highest learning rate where only fine-tuning has so low a peak; `None` when it is higher, or still rises."""
    rate = run.record.get("train/learning_rate")
    rows = rate.final().finite().value if rate is not None else np.empty(0)
    if len(rows) < 2 or int(rows.argmax()) == len(rows) - 1:
        return None
    peak = float(rows.max())
    return peak if 0.0 < peak < GENTLE else None
