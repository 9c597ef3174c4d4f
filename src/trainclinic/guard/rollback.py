"""A good state of the run in CPU memory, and the way back to it, in place.

Weights that are trained, buffers and the state of the optimizer come back bit for bit; the learning rate is lower from
then on; the data go on where they are, so that those of the bad stretch are skipped. It does not know which state is
good, and it keeps no random state: the run is not meant to do the same again.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

Kept = Any


class _Moved:
    """A tensor in CPU memory that knows where it came from."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._device = tensor.device
        self._copy = tensor.detach().to("cpu", copy=True)

    def into(self, now: Any) -> torch.Tensor:
        """Its values, written into the tensor that is there now; a new tensor where that one does not fit."""
        if isinstance(now, torch.Tensor) and now.shape == self._copy.shape and now.dtype == self._copy.dtype:
            now.detach().copy_(self._copy)
            return now
        return self._copy.to(self._device, copy=True)


class Snapshot:
    """The state of a model and its optimizer at one step.

    Args:
        model: The model.
        optimizer: Its optimizer; `None` for weights and buffers alone.
        step: The step after which this is taken.
    """

    def __init__(self, model: torch.nn.Module, optimizer: Any, step: int) -> None:
        self.step = step
        self._tensors = [(tensor, _Moved(tensor)) for tensor in _tensors(model)]
        state = {} if optimizer is None else optimizer.state
        self._state = {key: _copy(value) for key, value in state.items()}

    @torch.no_grad()
    def restore(self, optimizer: Any) -> None:
        """Put everything back; gradients are dropped.

        Args:
            optimizer: The optimizer that the snapshot was taken of, or `None`.
        """
        for tensor, kept in self._tensors:
            kept.into(tensor)
            tensor.grad = None
        if optimizer is None:
            return
        state = optimizer.state
        for key in [key for key in state if key not in self._state]:
            del state[key]
        for key, kept in self._state.items():
            state[key] = _put_back(state.get(key), kept)


def _tensors(model: torch.nn.Module) -> list[torch.Tensor]:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [*trained, *model.buffers()]


def _copy(value: Any) -> Kept:
    """A copy in CPU memory, of a tensor or of what holds tensors."""
    if isinstance(value, torch.Tensor):
        return _Moved(value)
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_copy(item) for item in value)
    return copy.deepcopy(value)


def _put_back(now: Any, kept: Kept) -> Any:
    """A kept value, into the tensors that are there now where they fit."""
    if isinstance(kept, _Moved):
        return kept.into(now)
    if isinstance(kept, dict):
        there = now if isinstance(now, dict) else {}
        return {key: _put_back(there.get(key), item) for key, item in kept.items()}
    if isinstance(kept, (list, tuple)):
        items = now if isinstance(now, (list, tuple)) and len(now) == len(kept) else [None] * len(kept)
        return type(kept)(_put_back(*pair) for pair in zip(items, kept, strict=True))
    return copy.deepcopy(kept)
