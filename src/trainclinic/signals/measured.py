"""A record with its signals, each computed once, when first asked for. This is what every finding looks at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.record.run import RunRecord
    from trainclinic.record.series import Series
    from trainclinic.signals.objective import Objective


class Measured:
    """One run and everything that was measured on it.

    Args:
        record: The run.
        unigram_entropy: Entropy of the training targets as single tokens, nats/token, when the data was examined.
    """

    def __init__(self, record: RunRecord, *, unigram_entropy: float | None = None) -> None:
        self.record = record
        self.unigram_entropy = unigram_entropy

    @cached_property
    def train_loss(self) -> Series | None:
        """The training-loss history that the run ended with (after overlaps, the later pass), NaN kept."""
        series = self.record.get("train/loss")
        return series.final() if series is not None else None

    @cached_property
    def eval_loss(self) -> Series | None:
        """The evaluation-loss history that the run ended with, NaN kept."""
        series = self.record.get("eval/loss")
        return series.final() if series is not None else None

    @cached_property
    def objective(self) -> Objective:
        """What the loss column is a loss of."""
        from trainclinic.signals.objective import objective_of

        return objective_of(self)
