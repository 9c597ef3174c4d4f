"""Measures a step on its device: losses, norms of gradients, tokens; packed into one small tensor, read later.

Nothing here waits for a GPU, except `is_finite`, which is asked for only where an update may have to be prevented. It
does not know what the numbers mean, and it changes neither weights nor gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

FIELDS = ("loss", "weight", "bad", "tokens", "square", "scale", "silent")
"""What a packed step holds, `[7]`: sum of weighted losses, sum of weights, processes with a non-finite gradient,
attended tokens, squared gradient norm, factor of the loss scaler, processes whose guard has given up. All of them add
up over processes; the norm and the factor are divided by their number before."""


@dataclass(slots=True)
class Norms:
    """Gradient norms of one moment, still on the device.

    Attributes:
        each: Norm of every tensor that has a gradient, `[tensors]`.
        total: Norm of all of them together, `[]`.
        places: For each of them its number among the model's tensors, `[tensors]`.
        sharded: Whether this process holds only a part of every tensor.
        scaled_by: Factor of a loss scaler that is still in the gradients, `[]`; `None` for 1.
    """

    each: Tensor
    total: Tensor
    places: list[int]
    sharded: bool = False
    scaled_by: Tensor | None = None

    def is_finite(self) -> bool:
        """Whether all gradients are finite; waits for the device."""
        return math.isfinite(float(self.total))


@dataclass(slots=True)
class Accumulated:
    """What the micro-batches of the current step have given so far.

    Attributes:
        losses: Losses times their weights, `[]` each.
        weights: Weights of the losses.
        tokens: Attended tokens, numbers or `[]` tensors.
        norms: Of the gradients before clipping; `None` while nobody has looked.
        scale: Factor of the loss scaler, `[]`; `None` without one.
        rate: Learning rate of the update that follows.
        rows: Numbers of the rows in the batches.
    """

    losses: list[Tensor] = field(default_factory=list)
    weights: list[float | Tensor] = field(default_factory=list)
    tokens: list[float | Tensor] = field(default_factory=list)
    norms: Norms | None = None
    scale: Tensor | None = None
    rate: float | None = None
    rows: list[int] = field(default_factory=list)


class Gradients:
    """The tensors of a model, and the norms of their gradients.

    Args:
        model: The model that is trained.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        named = list(model.named_parameters())
        self.names = [name for name, _ in named]
        self.tensors = [tensor for _, tensor in named]
        self.device = next((t.device for t in self.tensors if t.requires_grad), torch.device("cpu"))
        self._many_devices = len({t.device for t in self.tensors}) > 1
        wide = any(t.dtype == torch.float64 for t in self.tensors)
        self._dtype = torch.float64 if wide else torch.float32

    @torch.no_grad()
    def norms(self) -> Norms | None:
        """Norms of all gradients as they are now, or `None` when there is none.

        The norm of a tensor is NaN or infinite exactly when one of its elements is, or when its squares overflow
        float32; so no second pass looks for such elements. Taking norms in float32 keeps float16 gradients from
        overflowing in their own squares.
        """
        found, places, sharded = [], [], False
        for at, tensor in enumerate(self.tensors):
            gradient = tensor.grad
            if gradient is not None:
                found.append(gradient)
                places.append(at)
        if not found:
            return None
        if hasattr(found[0], "to_local"):
            found, sharded = [g.to_local() if hasattr(g, "to_local") else g for g in found], True
        if any(g.layout is not torch.strided for g in found):
            found = [g.coalesce().values() if g.is_sparse else g for g in found]
        each: Sequence[Tensor] = torch._foreach_norm(found, 2.0, self._dtype)
        if self._many_devices:
            each = [norm.to(self.device, non_blocking=True) for norm in each]
        stacked = torch.stack(list(each))
        return Norms(stacked, torch.linalg.vector_norm(stacked), places, sharded)

    def first_bad(self, norms: Norms) -> str:
        """Name of the first tensor whose gradient is not finite; empty when all are. Waits for the device."""
        bad = torch.nonzero(~torch.isfinite(norms.each)).flatten().tolist()
        return self.names[norms.places[bad[0]]] if bad else ""

    def drop(self) -> None:
        """Take all gradients away, so that the optimizer passes every tensor over."""
        for tensor in self.tensors:
            tensor.grad = None

    @torch.no_grad()
    def weights_are_finite(self) -> bool:
        """Whether all trained weights are finite; waits for the device."""
        trained = [_local(t.detach()) for t in self.tensors if t.requires_grad and t.numel()]
        if not trained:
            return True
        norms = [norm.to(self.device) for norm in torch._foreach_norm(trained, 1.0, self._dtype)]
        return bool(torch.isfinite(torch.stack(norms)).all())


def pack(step: Accumulated, device: torch.device, processes: int) -> Tensor:
    """All scalars of a step as one tensor on the device, `[7]`, in the order of `FIELDS`.

    Args:
        step: What was accumulated.
        device: Where to.
        processes: Processes of the run; every one has the same gradients, unless they are sharded.
    """
    nothing = torch.zeros((), device=device)
    square = bad = scale = nothing
    norms = step.norms
    if norms is not None:
        total = norms.total.to(device, torch.float32)
        bad = (~torch.isfinite(total)).to(torch.float32)
        if norms.scaled_by is not None:
            total = total / norms.scaled_by.to(device, torch.float32)
        square = total * total if norms.sharded else total * total / processes
    if step.scale is not None:
        scale = step.scale.to(device, torch.float32) / processes
    loss = _sum(step.losses, device)
    return torch.stack([loss, _sum(step.weights, device), bad, _sum(step.tokens, device), square, scale, nothing])


def factors_of(scaler: Any, optimizer: Any) -> tuple[Tensor | None, Tensor | None]:
    """Factor of a `torch.amp.GradScaler`, copied on its device, and the same again while gradients still hold it.

    Args:
        scaler: The scaler.
        optimizer: The optimizer whose gradients it may have unscaled already.

    Returns:
        `None` twice before the first backward pass.
    """
    scale = getattr(scaler, "_scale", None)
    if scale is None:
        return None, None
    factor = scale.detach().clone().reshape(())
    states = getattr(scaler, "_per_optimizer_states", {})
    inner = getattr(optimizer, "optimizer", optimizer)
    stage = states[id(inner)]["stage"] if id(inner) in states else None
    return factor, None if getattr(stage, "name", "READY") != "READY" else factor


def _sum(parts: Sequence[float | Tensor], device: torch.device) -> Tensor:
    """Sum of numbers and `[]` tensors on a device."""
    plain = sum(float(part) for part in parts if not isinstance(part, torch.Tensor))
    total = torch.full((), plain, device=device, dtype=torch.float32)
    for part in parts:
        if isinstance(part, torch.Tensor):
            total = total + part.detach().to(device, torch.float32, non_blocking=True)
    return total


def _local(tensor: Tensor) -> Tensor:
    """This process's part of a tensor that is sharded over processes; any other tensor as it is."""
    whole: Any = tensor
    return whole.to_local() if hasattr(whole, "to_local") else tensor


class Reader:
    """Brings a packed step to the CPU without waiting: on a GPU its numbers are read one step later.

    The lag is fixed, so that all processes of a run decide at the same step.

    Args:
        device: Where packed steps lie.
    """

    def __init__(self, device: torch.device) -> None:
        self.lag = 0 if device.type == "cpu" else 1
        self.device = device

    def send(self, packed: Tensor) -> tuple[Tensor, Any]:
        """Begin to copy.

        Args:
            packed: A packed step, `[7]`.

        Returns:
            The copy, and the event after which it may be read; `None` for at once.
        """
        if self.lag == 0:
            return packed, None
        if self.device.type == "cuda":
            there = torch.empty(packed.shape, dtype=packed.dtype, pin_memory=True)
            there.copy_(packed, non_blocking=True)
            event: Any = torch.cuda.Event
        elif self.device.type == "mps":
            there = packed.to("cpu", non_blocking=True)
            event = torch.mps.Event
        else:
            return packed, None
        arrived = event()
        arrived.record()
        return there, arrived

    def receive(self, sent: tuple[Tensor, Any]) -> list[float]:
        """The numbers of a packed step, `[7]`, once they have arrived.

        Args:
            sent: What `send` gave.
        """
        there, arrived = sent
        if arrived is not None:
            arrived.synchronize()
        return [float(value) for value in there.tolist()]


def memory_of(device: torch.device) -> int | None:
    """Bytes allocated on a GPU; on the CPU those that the process holds, where the system tells."""
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    if device.type == "mps":
        return int(torch.mps.current_allocated_memory())
    try:
        with open("/proc/self/statm", encoding="ascii") as handle:  # noqa: PTH123 opened at every step: the fast way
            return int(handle.read().split()[1]) * 4096
    except OSError:
        return None
