"""Lowers the learning rate for the rest of a run, under any scheduler or none.

It does not know whether lower is better.
"""

from __future__ import annotations

from typing import Any


class Rates:
    """The learning rates of an optimizer.

    Args:
        optimizer: The optimizer, or `None`.
        scheduler: What sets its rates, or `None` when that is not known.
    """

    def __init__(self, optimizer: Any, scheduler: Any) -> None:
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._factor = 1.0
        self._own: list[Any] = []
        self._inside = False
        self._hooks: list[Any] = []

    def current(self) -> float | None:
        """Rate of the first parameter group, as the next update will use it."""
        groups = self._optimizer.param_groups if self._optimizer is not None else []
        factor = 1.0 if self._inside else self._factor
        return float(groups[0]["lr"]) * factor if groups else None

    def lower(self, factor: float) -> None:
        """Multiply all rates for the rest of the run.

        With a scheduler its base rates are multiplied, so that checkpoints keep the change. Without a known one the
        rates are lowered for the length of each update only: whoever sets them in the loop may go on doing so.

        Args:
            factor: 0-1.
        """
        bases = _schedulers(self._scheduler)
        if bases:
            for scheduler in bases:
                scheduler.base_lrs = [rate * factor for rate in scheduler.base_lrs]
            for group in self._optimizer.param_groups:
                group["lr"] = group["lr"] * factor
            return
        self._factor *= factor
        if not self._hooks and self._optimizer is not None:
            inner = getattr(self._optimizer, "optimizer", self._optimizer)
            self._hooks = [inner.register_step_pre_hook(self._enter), inner.register_step_post_hook(self._leave)]

    def close(self) -> None:
        """Leave the optimizer as it was found."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        self._factor = 1.0

    def _enter(self, optimizer: Any, _arguments: Any, _named: Any) -> None:
        self._inside = True
        self._own = [group["lr"] for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * self._factor

    def _leave(self, optimizer: Any, _arguments: Any, _named: Any) -> None:
        for group, rate in zip(optimizer.param_groups, self._own, strict=True):
            group["lr"] = rate
        self._inside = False


def _schedulers(scheduler: Any) -> list[Any]:
    """The scheduler and those inside it that have base rates."""
    inside = [getattr(scheduler, "scheduler", None), *getattr(scheduler, "_schedulers", [])]
    found = [one for part in inside if part is not None for one in _schedulers(part)]
    return [scheduler, *found] if hasattr(scheduler, "base_lrs") else found
