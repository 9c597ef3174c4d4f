"""Everything that a probe must leave as it was, and a way to ask one that checks it."""

from __future__ import annotations

import random

import numpy as np
import torch

from trainclinic.probes.examine import all_probes


def state_of(model):
    """Weights, buffers, gradients, modes and random states, as values that can be compared."""

    def bits(tensor):
        return None if tensor is None else (id(tensor), tensor.view(torch.uint8).numpy().tobytes())

    def weights(tensors):
        return [
            (name, id(one), one.requires_grad, one.detach().view(torch.uint8).numpy().tobytes() if one.dim() else None)
            for name, one in tensors
        ]

    numpy_state = str(np.random.get_state())  # noqa: NPY002 - the state that libraries draw from
    return {
        "weights": weights(model.named_parameters(remove_duplicate=False)),
        "buffers": weights(model.named_buffers()),
        "gradients": [(name, bits(one.grad)) for name, one in model.named_parameters()],
        "modes": [(name, one.training) for name, one in model.named_modules()],
        "random": (random.getstate(), numpy_state, torch.get_rng_state().tolist()),
    }


def asked(live, code):
    """Ask one probe; the model must be the same afterwards, bit for bit.

    Before, some tensors get a gradient, one module another mode than the rest, and the random states are unusual.
    """
    model = live.model
    model.train()
    next(reversed(list(model.modules()))).eval()
    for one in list(live.trained.values())[::2]:
        one.grad = torch.full_like(one, 0.5)
    random.seed(77)
    np.random.seed(77)  # noqa: NPY002
    torch.manual_seed(77)
    before = state_of(model)
    verdict = all_probes()[code].rule.check(live)
    after = state_of(model)
    for kind, was in before.items():
        assert after[kind] == was, f"{code} changed {kind}"
    return verdict


def says(verdict):
    """All that a verdict says, as one text."""
    return " | ".join(one.says for one in getattr(verdict, "evidence", ())) or getattr(verdict, "missing", "")
