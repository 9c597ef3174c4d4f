"""What every rule about the level or course of a loss asks first, and the sentences they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Evidence, NotEvaluated
from trainclinic.catalogue.wording import number

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.signals.initial_loss import InitialLoss
    from trainclinic.signals.measured import Measured

TRAINER_COLUMNS = ("train/loss", "train/learning_rate", "train/epoch")
"""The Trainer of transformers, and the tools built on it, write these three in every row; pretraining loops do not."""

GIANT_RATIO = Threshold(
    "giant row over its neighbours", 20.0, "1", "random tokens cost at most about ten times a trained level"
)
GIANT_RISE = Threshold("rise of a giant row", 5.0, "nats", "twenty times almost nothing is still an ordinary batch")


def not_a_token_loss(run: Measured) -> NotEvaluated | None:
    """Why a level in nats per token cannot be judged in this run; `None` when it can, or when nothing says."""
    objective = run.objective
    if objective.is_language_model is False or objective.kind == "speech":
        return NotEvaluated(missing=f"a loss per vocabulary token; this one is of the kind `{objective.kind}`")
    return None


def no_course(run: Measured, rows: int) -> NotEvaluated | None:
    """Why the course of the loss cannot be judged: policy losses are near zero by construction, or too few rows."""
    if run.objective.kind == "rl":
        return NotEvaluated(missing="a loss that is meant to fall; judge a policy by its reward")
    trend = run.trend
    if trend is None or trend.rows < rows:
        return NotEvaluated(missing=f"at least {rows} rows of `train/loss`")
    return None


def is_fine_tuning_tool(run: Measured) -> bool:
    """Whether the log looks like that of a tool that mostly starts from checkpoints."""
    if run.record.log_format == "hf_trainer_state":
        return True
    return all(run.record.get(name) is not None for name in TRAINER_COLUMNS)


def first_loss_evidence(run: Measured, initial: InitialLoss, compared: str) -> Evidence:
    """`loss is 9.227 at step 0, ...`; says when the value is a mean that already holds some descent."""
    name = "evaluation loss" if initial.series == "eval/loss" else "loss"
    mean = " (a mean since the start, so a lower bound)" if initial.is_window_mean else ""
    says = f"{name} is {number(initial.value)} at {run.record.axis} {initial.step}{mean}, {compared}"
    return Evidence(says, initial.source, initial.step, initial.series)


def curve(run: Measured) -> Series | None:
    """The series that the trend was read from."""
    trend = run.trend
    if trend is None:
        return None
    return run.loss_rows if trend.series == "train/loss" else run.eval_rows


def evidence_at(series: Series, step: int, says: str) -> Evidence:
    """Evidence with the source of the row at or after `step`."""
    row = min(int(series.step.searchsorted(step)), len(series) - 1)
    return Evidence(says, series.source(row), int(series.step[row]), series.name)


def uniform_level(run: Measured, rows: int, level: float) -> str:
    """`ln of 50,257 tokens is 10.82`, or log2 where the loss is in bits."""
    return f"{'log2' if run.objective.loss_unit == 'bits/token' else 'ln'} of {rows:,} tokens is {number(level)}"
