"""Writes the Weights & Biases fixtures with the real SDK, offline: `python tests/readers/golden/wandb_run.py`.

Needs `wandb` in the environment. `trainer` is a run that ended well, `killed` the same file without its end, and `flipped` with
one byte changed. Nothing of the machine is recorded but the host name `host`.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from pathlib import Path

os.environ.update(
    WANDB_MODE="offline",
    WANDB_SILENT="true",
    WANDB_DISABLE_GIT="true",
    WANDB_DISABLE_CODE="true",
    WANDB_HOST="host",
    WANDB_PROGRAM="train.py",
    WANDB_USERNAME="user",
    WANDB_EMAIL="user@example.org",
)

import wandb

HERE = Path(__file__).parents[1] / "wandb_run"


def run_in(folder: str) -> Path:
    settings = wandb.Settings(
        x_disable_stats=True, x_disable_meta=True, x_disable_machine_info=True, x_save_requirements=False, console="off"
    )
    config = {"learning_rate": 2e-4, "per_device_train_batch_size": 4, "lora": {"r": 16, "alpha": 32}, "bf16": True}
    run = wandb.init(project="demo", name="first", id="abcd1234", dir=folder, config=config, settings=settings)
    for step in range(30):
        row = {
            "train/loss": 3.0 / (1 + step),
            "train/grad_norm": 1.5,
            "train/learning_rate": 2e-4,
            "train/global_step": 5 * step,
        }
        if step == 20:
            row["train/loss"] = math.nan
        if step == 21:
            row["train/loss"], row["train/grad_norm"] = math.inf, -math.inf
        run.log(row)
        if step % 10 == 9:
            run.log({"eval/loss": 2.0, "eval": {"accuracy": 1}, "train/global_step": 5 * step, "note": "text"})
    run.config.update({"lr_scheduler_type": "cosine"})
    run.finish(exit_code=3)
    (written,) = Path(folder).rglob("run-*.wandb")
    return written


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        written = run_in(folder)
        for case in ("trainer", "killed", "flipped"):
            shutil.rmtree(HERE / case, ignore_errors=True)
            (HERE / case).mkdir(parents=True)
        data = written.read_bytes()
        (HERE / "trainer" / "run-abcd1234.wandb").write_bytes(data)
        (HERE / "killed" / "run-abcd1234.wandb").write_bytes(data[: len(data) * 2 // 3])
        changed = bytearray(data)
        changed[len(data) // 2] ^= 0x10
        (HERE / "flipped" / "run-abcd1234.wandb").write_bytes(bytes(changed))
