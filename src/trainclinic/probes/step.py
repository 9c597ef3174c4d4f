"""One optimizer step as the run would make it, looked at from all sides and undone.

It knows losses, gradients and weights around one step. It does not know whether what it sees is good or bad.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from trainclinic.probes.live import Batch, targets_of
from trainclinic.probes.snapshot import kept

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

FIRST_SCALE = 65536.0
"""Where a gradient scaler starts (`torch.amp.GradScaler`, `init_scale`)."""
LATER_BATCHES = 4
"""Batches after the step whose gradients are looked at."""


@dataclass(frozen=True)
class TensorSeen:
    """A trained tensor around one step.

    Attributes:
        name: As the model names it.
        dtype: E.g. `float32`.
        values: How many it has.
        gradient: Norm of its gradient before the step and before clipping; `None` when it has none.
        later: Largest norm of its gradients after the step; `None` when it has none.
        moved: Whether a bit of it changed in the step.
        bad: Values that are NaN or infinite after the step.
        was_bad: Values that were so before.
    """

    name: str
    dtype: str
    values: int
    gradient: float | None
    later: float | None
    moved: bool
    bad: int
    was_bad: int


@dataclass(frozen=True)
class StepSeen:
    """One optimizer step.

    Attributes:
        loss: The path's own loss of the batch, in training mode, in nats per target.
        norm: Norm of the whole gradient before clipping.
        rate: Largest learning rate of the optimizer.
        epsilon: Term of Adam that keeps a division finite; `None` where the optimizer has none.
        optimizer: Name of its class.
        tensors: Trained tensors.
        frozen: How many tensors are frozen.
        frozen_moved: Names of frozen tensors that changed.
    """

    loss: float
    norm: float
    rate: float
    epsilon: float | None
    optimizer: str
    tensors: tuple[TensorSeen, ...]
    frozen: int
    frozen_moved: tuple[str, ...]


@contextmanager
def evaluating(live: Live) -> Iterator[None]:
    """Without gradients and dropout; modes and random states are put back."""
    with kept(live.model), torch.no_grad():
        live.model.eval()
        yield


def losses_before(live: Live, most: int) -> tuple[float, ...]:
    """The path's own loss of the first batches with targets, dropout off, in nats per target."""
    with evaluating(live):
        return tuple(float(live.loss(batch)) for batch in live.batches[:most] if targets_of(batch))


def fresh_optimizer(live: Live, rate: float | None = None) -> torch.optim.Optimizer:
    """An optimizer over the trained tensors with the run's settings.

    Args:
        live: The run.
        rate: Learning rate instead of the run's.
    """
    optimizer = live.optimizer([one for one in live.model.parameters() if one.requires_grad])
    if rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = rate
    return optimizer


def backward(live: Live, batch: Batch) -> float:
    """Put the gradient of a batch into the trained tensors; returns its loss in nats per target.

    Where the run scales its loss, the scale is lowered until the gradient is finite, as a scaler would in its first
    steps, and divided out again.
    """
    scale = FIRST_SCALE if live.scaler_used else 1.0
    while True:
        loss = live.loss(batch)
        (loss * scale).backward()  # type: ignore[no-untyped-call, unused-ignore]
        if scale == 1.0:
            return float(loss.detach())
        parameters = [one for one in live.model.parameters() if one.grad is not None]
        if all(bool(torch.isfinite(one.grad).all()) for one in parameters if one.grad is not None):
            for one in parameters:
                one.grad = None if one.grad is None else one.grad / scale
            return float(loss.detach())
        live.model.zero_grad(set_to_none=True)
        scale = max(1.0, scale / 16)


def clip(live: Live) -> None:
    """Clip the gradients as the run does."""
    if live.max_grad_norm:
        nn.utils.clip_grad_norm_(live.model.parameters(), live.max_grad_norm, foreach=False)


def one_step(live: Live) -> StepSeen:
    """Make one step in training mode, look, look at the gradients after it, and put everything back."""
    batch = live.batch
    assert batch is not None  # `Live.unfit` said so
    with kept(live.model, weights=True) as before:
        live.model.train()
        optimizer = fresh_optimizer(live)
        was_bad = {name: _bad(one) for name, one in live.trained.items()}
        loss = backward(live, batch)
        gradients = gradient_norms(live)
        clip(live)
        optimizer.step()
        moved = before.moved()
        bad = {name: _bad(one) for name, one in live.trained.items()}
        later = {} if any(bad.values()) else _later_gradients(live)
        groups = optimizer.param_groups
    seen = tuple(
        TensorSeen(name, str(one.dtype).removeprefix("torch."), one.numel(), gradients.get(name), later.get(name),
                   name in moved, bad[name], was_bad[name])
        for name, one in live.trained.items()
    )  # fmt: skip
    frozen = (before.copies.keys() | before.samples.keys()) - live.trained.keys()
    return StepSeen(
        loss, total(gradients), max(float(group["lr"]) for group in groups), _epsilon(groups),
        type(optimizer).__name__, seen, len(frozen), tuple(sorted(moved & frozen)),
    )  # fmt: skip


def gradient_norms(live: Live) -> dict[str, float]:
    """Norm of the gradient of each trained tensor that has one."""
    return {name: _norm(one.grad) for name, one in live.trained.items() if one.grad is not None}


def total(norms: dict[str, float]) -> float:
    """Norm of all tensors together."""
    return math.sqrt(sum(norm * norm for norm in norms.values()))


def _later_gradients(live: Live) -> dict[str, float]:
    found: dict[str, float] = {}
    with_targets = [batch for batch in live.batches if targets_of(batch)]
    for batch in with_targets[:LATER_BATCHES]:
        live.model.zero_grad(set_to_none=True)
        backward(live, batch)
        for name, norm in gradient_norms(live).items():
            found[name] = max(found.get(name, 0.0), norm)
    return found


def _norm(gradient: Tensor) -> float:
    return float(torch.linalg.vector_norm(gradient.detach().to_dense(), dtype=torch.float32))


def _bad(tensor: Tensor) -> int:
    if not tensor.is_floating_point():
        return 0
    return int(tensor.numel() - torch.isfinite(tensor.detach()).sum())


def _epsilon(groups: list[dict[str, Any]]) -> float | None:
    values = [group["eps"] for group in groups if isinstance(group.get("eps"), float)]  # Adafactor has a pair
    return min(values) if values else None
