"""Keeps a model as it is: weights, gradients, buffers, modes and every random state are put back, bit for bit.

It knows that memory is finite: where all weights together are large, only trained ones are copied, and frozen ones are
compared at some of their values. It does not know what happens in between.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

COPIED_BYTES = 1 << 30
"""Weights up to this size are all copied; above it, only trained ones."""
SAMPLED = 4096
"""Values of a frozen tensor that are compared where it is not copied."""


@dataclass(frozen=True)
class Kept:
    """Weights as they were.

    Attributes:
        copies: Parameter and its copy by name, `[...]` in its own shape.
        samples: Parameter and some of its values by name, for what is not copied, `[values]`.
    """

    copies: dict[str, tuple[nn.Parameter, Tensor]]
    samples: dict[str, tuple[nn.Parameter, Tensor]]

    def moved(self) -> set[str]:
        """Names of parameters that differ by a bit from what they were."""
        found = {name for name, (now, then) in self.copies.items() if not _same(now.detach(), then)}
        return found | {name for name, (now, then) in self.samples.items() if not _same(_sample(now), then)}

    def put_back(self) -> None:
        """Write the copied weights back."""
        with torch.no_grad():
            for now, then in self.copies.values():
                now.detach().copy_(then)


@contextmanager
def kept(model: nn.Module, *, weights: bool = False) -> Iterator[Kept]:
    """Do anything with a model, and find it afterwards as it was.

    Inside, gradients are empty and random states are fixed, so that an answer does not depend on what was asked before.

    Args:
        model: The model.
        weights: Whether weights are going to change; only then they are copied.

    Yields:
        The weights as they were; empty without `weights`.
    """
    tables = [(module, dict(module._parameters), dict(module._buffers)) for module in model.modules()]
    buffers = [(one, one.detach().clone()) for one in model.buffers() if not one.is_meta]
    modes = [(module, module.training) for module in model.modules()]
    needs = [(one, one.requires_grad) for one in model.parameters()]
    gradients = [(one, one.grad) for one in model.parameters()]
    states = _random_states()
    before = _keep_weights(model) if weights else Kept({}, {})
    try:
        for one, _ in gradients:
            one.grad = None
        _fix_random_states()
        yield before
    finally:
        for module, parameters, named in tables:
            module._parameters.update(parameters)
            module._buffers.update(named)
        before.put_back()
        with torch.no_grad():
            for now, then in buffers:
                now.detach().copy_(then)
        for module, mode in modes:
            module.training = mode
        for one, need in needs:
            one.requires_grad_(need)
        for one, gradient in gradients:
            one.grad = gradient
        _set_random_states(states)


def _keep_weights(model: nn.Module) -> Kept:
    present = {name: one for name, one in model.named_parameters() if not one.is_meta}
    size = sum(one.numel() * one.element_size() for one in present.values())
    copied = {name for name, one in present.items() if one.requires_grad or size <= COPIED_BYTES}
    return Kept(
        {name: (present[name], present[name].detach().to("cpu", copy=True)) for name in copied},
        {name: (one, _sample(one)) for name, one in present.items() if name not in copied},
    )


def _sample(tensor: Tensor) -> Tensor:
    flat = tensor.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // SAMPLED)].to("cpu", copy=True)


def _same(now: Tensor, then: Tensor) -> bool:
    """Equal bits: NaN equals NaN, and zero with another sign does not."""
    ours, theirs = now.to("cpu").contiguous().reshape(-1), then.contiguous().reshape(-1)
    return torch.equal(ours.view(torch.uint8), theirs.view(torch.uint8))


def _random_states() -> dict[str, Any]:
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def _fix_random_states() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)


def _set_random_states(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])  # noqa: NPY002
    torch.set_rng_state(states["torch"])
    if "cuda" in states:
        torch.cuda.set_rng_state_all(states["cuda"])
    if "mps" in states:
        torch.mps.set_rng_state(states["mps"])
