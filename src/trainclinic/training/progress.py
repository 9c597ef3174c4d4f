"""Where a run stands, for whoever shows it. It does not know how that is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

SETTLING_STEPS = 3
"""Steps that are left out of the pace: caches fill and kernels are chosen in them."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a run stands.

    Attributes:
        step: Optimizer steps made.
        steps: Steps planned.
        loss: Last logged loss, nats/token; `None` before the first.
        rate: Last logged learning rate.
        held_out: Last held-out loss.
        pace: Steps per second since the run settled, evaluations and checkpoints included; `None` before that.
    """

    step: int = 0
    steps: int = 0
    loss: float | None = None
    rate: float | None = None
    held_out: float | None = None
    pace: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """Time to the planned end at that pace; `None` while it is not known."""
        return None if not self.pace else (self.steps - self.step) / self.pace


class Reporter(TrainerCallback):
    """Tells where a run stands after every step, evaluation and log row.

    Args:
        tell: Told.
    """

    def __init__(self, tell: Callable[[Moment], None]) -> None:
        self.tell = tell
        self.moment = Moment()
        self.began: tuple[int, float] | None = None
        self.first = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any
    ) -> None:
        """Remember where the run begins."""
        del args, control, named
        self.first = state.global_step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any) -> None:
        """One step more."""
        del args, control, named
        now, step = time.monotonic(), state.global_step
        if self.began is None and step >= self.first + SETTLING_STEPS:
            self.began = (step, now)
        pace = None
        if self.began is not None and step > self.began[0]:
            pace = (step - self.began[0]) / max(1e-9, now - self.began[1])
        self._say(state, replace(self.moment, step=step, steps=state.max_steps, pace=pace))

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **named: Any,
    ) -> None:
        """A row was logged."""
        del args, control, named
        row = logs or {}
        now = self.moment
        loss, rate = row.get("loss", now.loss), row.get("learning_rate", now.rate)
        self._say(state, replace(now, loss=loss, rate=rate, held_out=row.get("eval_loss", now.held_out)))

    def _say(self, state: TrainerState, moment: Moment) -> None:
        self.moment = moment
        if state.is_world_process_zero:
            self.tell(moment)
