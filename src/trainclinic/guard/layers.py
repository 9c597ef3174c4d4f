"""Norms of gradients and weights, and the relative size of an update, by layer: taken at sampled steps.

The update is measured on evenly spaced elements of every tensor, so that the copies from before it are bounded. It does
not know which sizes are good.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from trainclinic.guard.telemetry import Gradients, Norms

MOST_BYTES = 64 * 2**20
"""Copies of weights from before an update, bytes."""

_NUMBERED = re.compile(r"(?:^|\.)((?!module\.|model\.|_orig_mod\.)[A-Za-z_]\w*\.\d+)(?:\.|$)")
_WRAPPERS = {"module", "base_model", "model", "_orig_mod", "weight", "bias", "default", "lora_A", "lora_B"}


def group_of(name: str) -> str:
    """The layer that a tensor belongs to: `layers.3`, `embed_tokens`, `lm_head`.

    Args:
        name: Name of the tensor in the model.
    """
    numbered = _NUMBERED.search(name)
    if numbered:
        return numbered[1]
    parts = [part for part in name.split(".") if part not in _WRAPPERS]
    return parts[-1] if parts else name


class Layers:
    """Measures by layer at sampled steps.

    Args:
        gradients: The tensors of the model.
        every: Steps between samples; 0 for none.
    """

    def __init__(self, gradients: Gradients, every: int) -> None:
        self._gradients = gradients
        self._every = every
        self._groups = [group_of(name) for name in gradients.names]
        self._before: list[tuple[int, Tensor]] = []

    def is_due(self, step: int) -> bool:
        """Whether a step is sampled: the first one, and every so many.

        Args:
            step: Number of the step, from 1.
        """
        return self._every > 0 and (step == 1 or step % self._every == 0)

    @torch.no_grad()
    def before_update(self) -> None:
        """Copy elements of all tensors that have a gradient; on the device, without waiting."""
        moved = [(at, t) for at, t in enumerate(self._gradients.tensors) if t.grad is not None and t.numel()]
        share = MOST_BYTES // max(1, len(moved)) // 4
        self._before = [(at, self._some(tensor, share).clone()) for at, tensor in moved]

    def forget(self) -> None:
        """No update followed: the copies are void."""
        self._before = []

    @torch.no_grad()
    def after_update(self, norms: Norms | None) -> dict[str, dict[str, float]]:
        """Compare with the copies; waits for the device, at sampled steps only.

        Args:
            norms: Gradient norms of the step, before clipping.

        Returns:
            `grad_norm`, `weight_norm` and `update_ratio` (norm of the change over norm of the weight), each by layer.
        """
        out: dict[str, dict[str, float]] = {}
        if norms is not None:
            out["grad_norm"] = self._joined(norms.places, norms.each.tolist())
        before, self._before = self._before, []
        if not before:
            return out
        share = MOST_BYTES // len(before) // 4
        places = [at for at, _ in before]
        old = [copy for _, copy in before]
        new = [self._some(self._gradients.tensors[at], share) for at in places]
        moved = self._norms(torch._foreach_sub(new, old))
        whole = self._norms([self._gradients.tensors[at].detach() for at in places])
        kept = self._norms(old)
        out["weight_norm"] = self._joined(places, whole)
        change, size = self._joined(places, moved), self._joined(places, kept)
        out["update_ratio"] = {name: change[name] / size[name] for name in change if size[name] > 0}
        return out

    @staticmethod
    def _some(tensor: Tensor, share: int) -> Tensor:
        """At most `share` evenly spaced elements of a tensor, a view where it is contiguous."""
        flat = tensor.detach().reshape(-1)
        return flat if flat.numel() <= share else flat[:: -(-flat.numel() // max(1, share))]

    @staticmethod
    def _norms(tensors: list[Tensor] | tuple[Tensor, ...]) -> list[float]:
        device = tensors[0].device
        each = torch._foreach_norm(list(tensors), 2.0)
        return [float(norm) for norm in torch.stack([norm.to(device, torch.float32) for norm in each]).tolist()]

    def _joined(self, places: list[int], norms: list[float]) -> dict[str, float]:
        """Norms of tensors joined to norms of layers."""
        squares: dict[str, float] = {}
        for at, norm in zip(places, norms, strict=True):
            squares[self._groups[at]] = squares.get(self._groups[at], 0.0) + norm * norm
        return {name: square**0.5 for name, square in squares.items()}
