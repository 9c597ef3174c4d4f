"""Trains on a few rows until they are learned, and undoes it.

It knows learning rates that suit a small test. It does not know what it means when none of them works.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trainclinic.probes.live import Batch, targets_of
from trainclinic.probes.offsets import first_rows, rows_of
from trainclinic.probes.snapshot import kept
from trainclinic.probes.step import backward, clip, fresh_optimizer

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MOST_ROWS = 4
RATES_WITH_ADAPTER = (1e-3, 5e-3, 2e-2, 0.1, 0.5, 2.0)
RATES_IN_FULL = (1e-4, 1e-3, 5e-3, 0.05, 0.5)
"""The first three suit Adam; the others suit optimizers that do not divide by the size of the gradient."""
TOO_FAR = 1.2
"""Share of the first loss above which a larger rate is of no use."""
LOOK_EVERY = 5
"""Steps between two looks at the loss with dropout off."""


@dataclass(frozen=True)
class Try:
    """One learning rate.

    Attributes:
        rate: The learning rate.
        steps: Steps made.
        after: Loss after them, dropout off, in nats per target.
        is_learned: Whether the loss fell far enough.
    """

    rate: float
    steps: int
    after: float
    is_learned: bool


@dataclass(frozen=True)
class Overfit:
    """What came of it.

    Attributes:
        rows: Rows trained on.
        targets: Their targets.
        before: Their loss before, dropout off, in nats per target.
        tries: One for each learning rate that was needed.
    """

    rows: int
    targets: int
    before: float
    tries: tuple[Try, ...]


def overfit(live: Live, *, steps: int, fall: float, low: float) -> Overfit:
    """Train on up to four rows, at one learning rate after the other until one learns them.

    Args:
        live: The run.
        steps: Most steps at a rate.
        fall: Share of the first loss that counts as learned.
        low: Loss that counts as learned, in nats per target.
    """
    rows = first_rows(live)
    batch = rows_of(rows, torch.arange(min(MOST_ROWS, rows["input_ids"].shape[0])))
    with kept(live.model, weights=True) as before:
        first = _loss_at_rest(live, batch)
        enough = max(low, fall * first)
        tries: list[Try] = []
        for rate in _rates(live) if math.isfinite(first) and first > low else ():
            tries.append(_train(live, batch, rate, steps, enough))
            if tries[-1].is_learned or not tries[-1].after < TOO_FAR * first or tries[-1].after == first:
                break
            before.put_back()
    return Overfit(int(batch["input_ids"].shape[0]), targets_of(batch), first, tuple(tries))


def _rates(live: Live) -> tuple[float, ...]:
    own = max(float(group["lr"]) for group in fresh_optimizer(live).param_groups)
    larger = RATES_WITH_ADAPTER if live.has_adapter else RATES_IN_FULL
    return (*((own,) if own > 0 else ()), *(rate for rate in larger if rate > own))


def _train(live: Live, batch: Batch, rate: float, steps: int, enough: float) -> Try:
    optimizer = fresh_optimizer(live, rate)
    loss = math.inf
    for step in range(1, steps + 1):
        live.model.train()
        live.model.zero_grad(set_to_none=True)
        backward(live, batch)
        clip(live)
        optimizer.step()
        if step % LOOK_EVERY == 0 or step == steps:
            loss = _loss_at_rest(live, batch)
            if loss <= enough or not math.isfinite(loss):
                break
    live.model.zero_grad(set_to_none=True)
    return Try(rate, step, loss, loss <= enough)


def _loss_at_rest(live: Live, batch: Batch) -> float:
    """The path's own loss without dropout."""
    live.model.eval()
    with torch.no_grad():
        return float(live.loss(batch))
