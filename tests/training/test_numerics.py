"""Devices and number formats."""

from __future__ import annotations

import pytest

from trainclinic.recipe.model import Precision
from trainclinic.record.errors import TrainclinicError
from trainclinic.training import numerics
from trainclinic.training.numerics import Machine, settled

CPU, MPS = Machine(), Machine(mps=True)
AMPERE, TURING = Machine(cuda=True, cuda_bfloat16=True), Machine(cuda=True)


@pytest.mark.parametrize(
    ("machine", "device", "compute", "frozen", "scaled"),
    [
        (CPU, "cpu", "float32", "float32", False),
        (MPS, "mps", "float32", "float32", False),
        (AMPERE, "cuda", "bfloat16", "bfloat16", False),
        (TURING, "cuda", "float16", "float16", True),
    ],
)
def test_each_machine_gets_formats_that_train_well(machine, device, compute, frozen, scaled):
    found, why = settled(Precision(), machine, quantised=False)
    assert (found.device, found.compute, found.frozen_weights, found.loss_scaling) == (device, compute, frozen, scaled)
    assert found.trained_weights == "float32"
    assert set(why) >= {"precision.device", "precision.compute", "precision.frozen_weights"}


def test_a_stated_format_stays_so_that_the_checks_can_show_it():
    found, _ = settled(Precision(trained_weights="float16", frozen_weights="float16"), MPS, quantised=False)
    assert (found.trained_weights, found.frozen_weights) == ("float16", "float16")


def test_float16_arithmetic_without_cuda_becomes_float32_and_says_why():
    found, why = settled(Precision(compute="float16"), CPU, quantised=False)
    assert found.compute == "float32"
    assert "scaler" in why["precision.compute"]


def test_emulated_bfloat16_is_not_used():
    found, why = settled(Precision(compute="bfloat16"), TURING, quantised=False)
    assert found.compute == "float16"
    assert "emulates" in why["precision.compute"]


@pytest.mark.parametrize(("fault", "compute"), [("", "bfloat16"), ("its gradients are not finite", "float32")])
def test_bfloat16_on_an_apple_gpu_has_to_prove_itself(monkeypatch, fault, compute):
    monkeypatch.setattr(numerics, "bfloat16_fault", lambda _: fault)
    assert settled(Precision(compute="bfloat16"), MPS, quantised=False)[0].compute == compute


def test_the_proof_accepts_the_arithmetic_of_a_cpu_and_sees_a_wrong_kernel(monkeypatch):
    import torch

    assert numerics.bfloat16_fault("cpu") == ""
    right = numerics._small_gradients
    monkeypatch.setattr(
        numerics, "_small_gradients", lambda dtype, device: right(dtype, device) * (2 if dtype == torch.bfloat16 else 1)
    )
    assert "100%" in numerics.bfloat16_fault("cpu")


def test_a_device_that_is_not_there_is_an_error():
    with pytest.raises(TrainclinicError, match="is `cuda`"):
        settled(Precision(device="cuda"), CPU, quantised=False)


def test_quantisation_is_for_cuda():
    _, why = settled(Precision(), CPU, quantised=True)
    assert "CUDA" in why["adapter.quantised_bits"]
    _, why = settled(Precision(), AMPERE, quantised=True)
    assert "adapter.quantised_bits" not in why
