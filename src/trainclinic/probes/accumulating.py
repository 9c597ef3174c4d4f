"""The gradient of some rows as one batch, and row by row as an update that accumulates.

It follows the normalisation of the training path. It does not know which one is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainclinic.probes.live import IGNORED, Batch, targets_of
from trainclinic.probes.offsets import rows_of
from trainclinic.probes.snapshot import kept

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MOST_ROWS = 8


@dataclass(frozen=True)
class Accumulated:
    """Two gradients of the same rows, compared over all trained tensors.

    Attributes:
        rows: How many rows.
        targets: Targets of each row.
        difference: Norm of the difference of the two gradients, relative to that of one batch.
        ratio: Norm of the accumulated gradient relative to that of one batch.
    """

    rows: int
    targets: tuple[int, ...]
    difference: float
    ratio: float


def accumulate(live: Live) -> Accumulated | None:
    """Compute both gradients, dropout off; `None` without two rows with targets."""
    parts = _parts(live)
    if parts is None:
        return None
    whole, singles = parts
    with kept(live.model):
        live.model.eval()
        at_once = _gradient(live, [whole], targets_of(whole))
        live.model.zero_grad(set_to_none=True)
        one_by_one = _gradient(live, singles, targets_of(whole))
    size = math.sqrt(sum(_square(one) for one in at_once.values()))
    other = math.sqrt(sum(_square(one) for one in one_by_one.values()))
    zero = torch.zeros(())
    gap = math.sqrt(
        sum(_square(one_by_one.get(name, zero) - at_once.get(name, zero)) for name in {*at_once, *one_by_one})
    )
    difference, ratio = (gap / size, other / size) if size > 0 else (math.inf, math.inf)
    return Accumulated(len(singles), tuple(targets_of(one) for one in singles), difference, ratio)


def _parts(live: Live) -> tuple[Batch, list[Batch]] | None:
    """One batch and the same rows one by one: from rows and their collator, or out of a batch."""
    if live.rows and live.collate is not None:
        rows = [row for row in live.rows if any(label != IGNORED for label in row["labels"][1:])][:MOST_ROWS]
        if len(rows) < 2:
            return None
        return live.collate(rows), [live.collate([row]) for row in rows]
    for batch in live.batches:
        chosen = (batch["labels"][:, 1:] != IGNORED).any(dim=1).nonzero().flatten()[:MOST_ROWS]
        if len(chosen) > 1:
            return rows_of(batch, chosen), [rows_of(batch, row.reshape(1)) for row in chosen]
    return None


def _gradient(live: Live, batches: Sequence[Batch], items: int) -> dict[str, Tensor]:
    """Gradient of an update, summed over its micro-batches as the training path does: by name, float32 on the CPU."""
    for batch in batches:
        loss = live.loss(batch, items=items) if live.takes_items else live.loss(batch) / len(batches)
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
    return {
        name: one.grad.detach().to("cpu", torch.float32, copy=True)
        for name, one in live.trained.items()
        if one.grad is not None
    }


def _square(tensor: Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor)) ** 2
