"""The loss as the model returned it, before any filter: a hook on the forward pass keeps it while the model trains.

It does not know losses that are computed outside the model (label smoothing, a `compute_loss` of one's own).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from trainclinic.guard.troubles import Troubles


class ModelLoss:
    """Keeps the losses and token counts of the micro-batches of one step.

    Args:
        model: The model, not wrapped.
        shared: Processes over which the Trainer counts the items of a step together; 1 when each counts its own.
        troubles: Where exceptions go.
    """

    def __init__(self, model: torch.nn.Module, shared: int, troubles: Troubles) -> None:
        self._shared = shared
        self._troubles = troubles
        self._losses: list[Tensor] = []
        self._tokens: list[Tensor | int] = []
        self._adds_up = False
        self._hook: Any = model.register_forward_hook(self._keep, with_kwargs=True)

    def take(self) -> tuple[Tensor | None, Tensor | int | None]:
        """Loss of the step and its attended tokens, on the device; begins the next step."""
        losses, tokens = self._losses, self._tokens
        self._losses, self._tokens = [], []
        attended = sum(tokens[1:], start=tokens[0]) if tokens else None
        if not losses:
            return None, attended
        total = torch.stack(losses).sum()
        return total * self._shared if self._adds_up else total / len(losses), attended

    def close(self) -> None:
        """Take the hook off the model."""
        self._hook.remove()

    def _keep(self, module: torch.nn.Module, _inputs: Any, named: Mapping[str, Any], output: Any) -> None:
        if not module.training or not torch.is_grad_enabled():
            return
        try:
            loss = output.get("loss") if hasattr(output, "get") else getattr(output, "loss", None)
            if isinstance(loss, torch.Tensor) and loss.numel() == 1:
                # A copy: the Trainer multiplies the loss in place where several processes share a step.
                self._losses.append(loss.detach().to(torch.float32, copy=True).reshape(()))
                self._adds_up = named.get("num_items_in_batch") is not None
            mask, ids = named.get("attention_mask"), named.get("input_ids")
            if isinstance(mask, torch.Tensor) and mask.dim() == 2:
                self._tokens.append(mask.sum())
            elif isinstance(ids, torch.Tensor):
                self._tokens.append(ids.numel())
        except Exception as error:  # whatever it is, the training goes on
            self._troubles.note(f"loss: {type(error).__name__}: {error}")
