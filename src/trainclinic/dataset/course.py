"""The course of a run through its data, by its plan: sequences in an epoch, steps in an epoch, passes over the data.

Sequences are rows; where rows are packed, or windows are drawn from the joined text, they are tokens over the length
of a sequence. It does not know what the run really did.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from trainclinic.dataset.once import asked_once
from trainclinic.dataset.token_counts import token_counts

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

NEEDS_BATCH = "the batch size of training (`--batch`)"
NEEDS_TOKENIZER = "the tokenizer of the model (`--tokenizer`)"
NEEDS_LENGTH = "the length limit of training (`--max-length`)"


@dataclass(frozen=True, slots=True)
class Course:
    """How the plan goes over the data; `None` where a setting is missing.

    Attributes:
        sequences: Sequences in one pass over the data.
        steps_per_epoch: Optimizer steps in one pass.
        steps: Optimizer steps of the whole run.
        epochs: Passes of the whole run.
        missing: What is missing to know the steps per epoch, as a noun phrase; empty when they are known.
        by_tokens: Whether sequences are filled with tokens of several rows.
    """

    sequences: float | None
    steps_per_epoch: int | None
    steps: int | None
    epochs: float | None
    missing: str
    by_tokens: bool


@asked_once
def course_of(data: Data) -> Course:
    """The course of the run by its plan.

    Args:
        data: The data with the plan.
    """
    plan = data.plan
    by_tokens = data.preparation.packing.value or plan.order.value == "random-windows"
    missing = _missing(data, by_tokens=by_tokens)
    if missing:
        return Course(None, None, plan.steps.value, plan.epochs.value, missing, by_tokens)
    sequences = sequences_of(data) if by_tokens else float(rows_of(data))
    per_step = plan.rows_per_step or 1
    if sequences <= 0:
        return Course(None, None, plan.steps.value, plan.epochs.value, "rows to train on", by_tokens)
    passes_per_epoch = ceil(sequences / (per_step // plan.accumulation.value))
    per_epoch = ceil(passes_per_epoch / plan.accumulation.value)
    steps, epochs = plan.steps.value, plan.epochs.value
    if steps is not None:
        epochs = steps * per_step / sequences if by_tokens else steps / per_epoch
    elif epochs is not None:
        steps = ceil(epochs * per_epoch)
    return Course(sequences, per_epoch, steps, epochs, "", by_tokens)


def rows_of(data: Data) -> int:
    """Rows that are trained on: those that the run states, else those that were read."""
    return data.plan.rows.value or data.survey.rows


def sequences_of(data: Data) -> float:
    """Sequences that the tokens of the data fill; 0 without a length limit."""
    length = data.preparation.max_length.value
    return token_counts(data).tokens.value / length if length else 0.0


def _missing(data: Data, *, by_tokens: bool) -> str:
    if not data.plan.rows_per_step:
        return NEEDS_BATCH
    if by_tokens and data.tokenizer.is_stand_in:
        return NEEDS_TOKENIZER
    return NEEDS_LENGTH if by_tokens and not data.preparation.max_length.value else ""
