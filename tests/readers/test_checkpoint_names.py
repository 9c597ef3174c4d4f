"""The step in a checkpoint's name, and names that carry none."""

from __future__ import annotations

import pytest

from trainclinic.readers.folders.checkpoint_names import checkpoint_step, run_folder


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint-500", 500),
        ("checkpoint_500", 500),
        ("global_step1200", 1200),
        ("step_300", 300),
        ("iter_0000100", 100),
        ("epoch=1-step=500", 500),
        ("tmp-checkpoint-500", 500),
        ("checkpoint-best", None),
        ("checkpoint-epoch-3", None),
        ("checkpoints", None),
        ("run-20240101", None),
        ("Llama-3-8B", None),
        ("checkpoint-" + "9" * 30, None),
    ],
)
def test_a_folder(name: str, step: int | None) -> None:
    assert checkpoint_step(name, is_folder=True) == step


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("ckpt_000500.pt", 500),
        ("model_step001500_loss2.31.pt", 1500),
        ("epoch=1-step=500.ckpt", 500),
        ("iter-000500-ckpt.pth", 500),
        ("0000100_adapters.safetensors", 100),
        ("pytorch_model-00001-of-00005.bin", None),
        ("model.safetensors", None),
        ("step500.log", None),
        ("timestep_embedding.pt", None),
    ],
)
def test_a_file(name: str, step: int | None) -> None:
    assert checkpoint_step(name, is_folder=False) == step


@pytest.mark.parametrize(
    ("folder", "home"),
    [
        ("out/checkpoint-500", "out"),
        ("checkpoint-500", ""),
        ("out/checkpoint-500/global_step500", "out"),
        ("out", "out"),
    ],
)
def test_files_of_a_checkpoint_belong_to_its_run(folder: str, home: str) -> None:
    assert run_folder(folder) == home
