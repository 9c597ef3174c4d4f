"""Where to train and in which number formats.

What the optimizer changes is float32 on every device. A recipe that says otherwise is built as it says, so that the
checks before training can show what is wrong with it. It does not know models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trainclinic.recipe.model import Precision
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    import torch

PROOF_TOLERANCE = 0.05
"""Largest relative error of a bfloat16 gradient that still proves the arithmetic: 8 bits of mantissa give 0.4 % an
operation, and a wrong kernel gives errors near 1."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine can do.

    Attributes:
        cuda: Whether there is a CUDA device.
        cuda_bfloat16: Whether it computes in bfloat16 itself, without emulation.
        mps: Whether there is an Apple GPU.
    """

    cuda: bool = False
    cuda_bfloat16: bool = False
    mps: bool = False


def this_machine() -> Machine:
    """What this machine can do."""
    import torch

    cuda = torch.cuda.is_available()
    capable = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    return Machine(cuda, capable, torch.backends.mps.is_available())


def settled(precision: Precision, machine: Machine, *, quantised: bool) -> tuple[Precision, Mapping[str, str]]:
    """Device and formats without anything left open.

    Args:
        precision: What the recipe says.
        machine: What the machine can do.
        quantised: Whether the frozen base is to be quantised.

    Returns:
        The settings with every key known, and for each key that was open or changed the reason.

    Raises:
        TrainclinicError: If the recipe names a device that is not there.
    """
    device, why_device = _device(precision.device, machine)
    compute, why_compute = _compute(precision.compute, device, machine)
    frozen, why_frozen = _frozen(precision.frozen_weights, device, compute)
    why = {
        "precision.device": why_device,
        "precision.compute": why_compute,
        "precision.frozen_weights": why_frozen,
        "precision.trained_weights": "" if precision.trained_weights else "half-precision weights lose small updates",
        "precision.loss_scaling": "float16 gradients need a scale"
        if compute == "float16"
        else "only float16 needs one",
    }
    if quantised and device != "cuda":
        why["adapter.quantised_bits"] = f"quantisation needs CUDA, and this is {device}"
    found = replace(
        precision,
        device=device,
        compute=compute,
        frozen_weights=frozen,
        trained_weights=precision.trained_weights or "float32",
        loss_scaling=compute == "float16" and precision.loss_scaling is not False,
    )
    return found, {key: reason for key, reason in why.items() if reason}


def _device(wanted: str | None, machine: Machine) -> tuple[str, str]:
    there = {"cuda": machine.cuda, "mps": machine.mps, "cpu": True}
    if wanted in (None, "auto"):
        device = next(name for name, is_there in there.items() if is_there)
        return device, "the fastest device of this machine"
    if not there[str(wanted)]:
        message = f"`precision.device` is `{wanted}`, and this machine has none"
        raise TrainclinicError(message, hint="leave the device at `auto`, or install a torch build for it")
    return str(wanted), ""


def _compute(wanted: str | None, device: str, machine: Machine) -> tuple[str, str]:
    if wanted not in (None, "auto"):
        return _told(str(wanted), device, machine)
    if device != "cuda":
        return "float32", f"16-bit arithmetic is not proven to train well on {device}"
    if machine.cuda_bfloat16:
        return "bfloat16", "this GPU has it, and it needs no loss scaler"
    return "float16", "this GPU has no bfloat16; a loss scaler keeps small gradients"


def _told(wanted: str, device: str, machine: Machine) -> tuple[str, str]:
    """The arithmetic that the recipe asks for, where the device can do it."""
    if wanted == "float16" and device != "cuda":
        return "float32", f"float16 autocast without a CUDA loss scaler underflows, and this is {device}"
    if wanted == "bfloat16":
        if device == "cuda" and not machine.cuda_bfloat16:
            return "float16", "this GPU only emulates bfloat16"
        if device == "mps" and (fault := bfloat16_fault(device)):
            return "float32", f"bfloat16 is not proven on this device: {fault}"
    return wanted, ""


def _frozen(wanted: str | None, device: str, compute: str) -> tuple[str, str]:
    if wanted not in (None, "auto"):
        return str(wanted), ""
    if device == "cuda" and compute != "float32":
        return compute, "frozen weights need no more digits than the arithmetic, and take half the memory"
    return "float32", f"on {device} the arithmetic is {compute}"


def bfloat16_fault(device: str) -> str:
    """Why bfloat16 autocast cannot be trusted on a device; empty when a small network trains with it as with float32.

    The network is one attention layer with a cross-entropy; losses and gradients of both formats are compared.

    Args:
        device: The device.
    """
    import torch

    try:
        exact = _small_gradients(torch.float32, device)
        rough = _small_gradients(torch.bfloat16, device)
    except (RuntimeError, TypeError, NotImplementedError) as refusal:
        return str(refusal).splitlines()[0]
    if not bool(torch.isfinite(rough).all()):
        return "its gradients are not finite"
    error = float((rough - exact).norm() / exact.norm())
    return "" if error < PROOF_TOLERANCE else f"its gradients differ by {error:.0%} from those of float32"


def _small_gradients(compute: torch.dtype, device: str) -> torch.Tensor:
    import torch
    from torch.nn import functional

    def drawn(*shape: int) -> Any:
        return torch.randn(*shape, generator=seeded)

    seeded = torch.Generator().manual_seed(0)
    inputs, targets = drawn(2, 16, 32).to(device), torch.randint(64, (32,), generator=seeded).to(device)
    weights = [(drawn(32, size) / 6).to(device).requires_grad_() for size in (96, 32, 64)]
    with torch.autocast(device, dtype=compute, enabled=compute != torch.float32):
        query, key, value = (inputs @ weights[0]).chunk(3, dim=-1)
        hidden = functional.scaled_dot_product_attention(query, key, value, is_causal=True) @ weights[1]
        logits = functional.layer_norm(hidden + inputs, (32,)) @ weights[2]
    functional.cross_entropy(logits.float().flatten(0, 1), targets).backward()  # type: ignore[no-untyped-call]
    return torch.cat([weight.grad.float().flatten() for weight in weights if weight.grad is not None]).cpu()
