"""All processes of a run agree: one small sum per step, from which each of them decides alike.

It knows data-parallel processes in which every guard takes every step; it does not know pipelines, in which they
differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def processes() -> int:
    """Number of processes that train together."""
    distributed = torch.distributed
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return processes() == 1 or torch.distributed.get_rank() == 0


def agree(packed: Tensor) -> Tensor:
    """The sum of a packed step over all processes.

    A process whose guard has trouble must still call this, else the others wait for it for ever.

    Args:
        packed: What this process has measured, `[7]`.
    """
    if processes() == 1:
        return packed
    backend = torch.distributed.get_backend()
    on_cpu = packed.to("cpu") if backend == "gloo" else packed
    torch.distributed.all_reduce(on_cpu)
    return on_cpu.to(packed.device)
