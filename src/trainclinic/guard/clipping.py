"""Looks at gradients right before they are clipped, by wrapping `torch.nn.utils.clip_grad_norm_` while a run trains.

Accelerate and the Trainer call that function at each update. The wrapper passes everything through; it does not know
the limit, and it acts only on calls with parameters of the watched model.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import torch

_PLACES = (torch.nn.utils, torch.nn.utils.clip_grad)
_NAME = "clip_grad_norm_"


class Clipping:
    """The wrapper, from `start` to `stop`.

    Several of them may be nested and may end in any order: one that cannot be taken out passes calls through.

    Args:
        model: The watched model.
        look: Called before gradients of that model are clipped; must not raise. It is held weakly when it is a method,
            so that a wrapper left behind by a run that failed ends with its owner.
    """

    def __init__(self, model: torch.nn.Module, look: Callable[[], None]) -> None:
        self._one = next((id(p) for p in model.parameters() if p.requires_grad), 0)
        self._look = weakref.WeakMethod(look) if hasattr(look, "__self__") else lambda: look
        self._wrapped: list[tuple[Any, Any, Any]] = []

    def start(self) -> None:
        """Wrap the function where it is looked up; a second call does nothing."""
        if not self._wrapped:
            for place in _PLACES:
                inner = getattr(place, _NAME)
                wrapper = self._wrap(inner)
                setattr(place, _NAME, wrapper)
                self._wrapped.append((place, inner, wrapper))

    def stop(self) -> None:
        """Put the function back; where somebody has wrapped it again since, ours passes calls through from now on."""
        for place, inner, wrapper in reversed(self._wrapped):
            if getattr(place, _NAME) is wrapper:
                setattr(place, _NAME, inner)
        self._wrapped = []
        self._one = 0

    def _wrap(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        own = weakref.ref(self)

        @functools.wraps(inner)
        def clip_grad_norm_(parameters: Any, *arguments: Any, **named: Any) -> Any:
            clipping = own()
            look = clipping._look() if clipping is not None and clipping._one else None
            if look is not None and clipping is not None:
                if not isinstance(parameters, (torch.Tensor, list, tuple)):
                    parameters = list(parameters)
                if clipping._is_of_model(parameters):
                    look()
            return inner(parameters, *arguments, **named)

        return clip_grad_norm_

    def _is_of_model(self, parameters: Any) -> bool:
        each = (parameters,) if isinstance(parameters, torch.Tensor) else parameters
        return any(id(parameter) == self._one for parameter in each)
