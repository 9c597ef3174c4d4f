"""Trains on a few rows until they are learned, and undoes it.

It knows learning rates that suit a small test. It does not know what it means when none of them works.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trainclinic.probes.live import IGNORED, Batch, targets_of
from trainclinic.probes.offsets import rows_of
from trainclinic.probes.snapshot import kept
from trainclinic.probes.step import backward, clip, fresh_optimizer

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MOST_ROWS = 4
MOST_TOKENS = 1024
"""Tokens of the rows together, padding included: 30 steps on long rows would take minutes on a CPU."""
RATES_WITH_ADAPTER = (1e-3, 5e-3, 2e-2, 0.1, 0.5, 2.0)
RATES_IN_FULL = (1e-4, 1e-3, 5e-3, 0.05, 0.5)
"""The first three suit Adam; the others suit optimizers that do not divide by the size of the gradient."""
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
    batch = short_rows(live)
    with kept(live.model, weights=True) as before:
        first = _loss_at_rest(live, batch)
        enough = max(low, fall * first)
        tries: list[Try] = []
        for rate in _rates(live) if math.isfinite(first) and first > low else ():
            best = min((one.after for one in tries), default=first)
            tries.append(_train(live, batch, rate, steps, enough))
            if tries[-1].is_learned or _is_hopeless(tries, best, first):
                break
            before.put_back()
    return Overfit(int(batch["input_ids"].shape[0]), targets_of(batch), first, tuple(tries))


def short_rows(live: Live) -> Batch:
    """The shortest rows of the first batch with targets, and no more columns than they need."""
    batch = live.batch
    assert batch is not None  # `Live.unfit` said so
    rows, tokens = batch["input_ids"].shape
    mask = batch.get("attention_mask")
    known = mask is not None and mask.shape == batch["input_ids"].shape
    visible = mask.bool() if known and mask is not None else torch.ones(rows, tokens, dtype=torch.bool)
    last = (visible.long() * torch.arange(1, tokens + 1, device=visible.device)).amax(dim=1)
    with_targets = (batch["labels"][:, 1:] != IGNORED).any(dim=1).nonzero().flatten().to(last.device)
    order = with_targets[last[with_targets].argsort(stable=True)][:MOST_ROWS]
    fitting = [number for number in range(1, len(order) + 1) if number * int(last[order[number - 1]]) <= MOST_TOKENS]
    chosen = order[: max(fitting, default=1)]
    width = int(last[chosen].max())
    return {
        name: value[:, :width] if isinstance(value, torch.Tensor) and value.shape == (len(chosen), tokens) else value
        for name, value in rows_of(batch, chosen).items()
    }


def _rates(live: Live) -> tuple[float, ...]:
    """The run's own rate and larger ones; a small one of its own comes second, as it seldom learns in few steps."""
    own = max(float(group["lr"]) for group in fresh_optimizer(live).param_groups)
    first, *larger = RATES_WITH_ADAPTER if live.has_adapter else RATES_IN_FULL
    if own <= 0:
        return (first, *larger)
    return (first, own, *larger) if own < first else (own, *(rate for rate in larger if rate > own))


def _is_hopeless(tries: list[Try], best: float, first: float) -> bool:
    """Whether larger rates are of no use: nothing moves, or the loss no longer gets lower than at a smaller one."""
    last = tries[-1]
    larger = all(last.rate >= one.rate for one in tries)
    return last.after == first or (larger and len(tries) > 1 and not last.after < best)


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
