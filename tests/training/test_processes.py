"""Kills and launchers: whole processes, as users start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainclinic.training import checkpoints

pytestmark = pytest.mark.slow
SETTINGS = ("--device", "cpu", "--learning-rate", "4e-3", "--set", "guard.log_every_steps=1", "--skip-checks")
PLACE = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def command(world, output: Path, *more: str) -> list[str]:
    rows = ("--model", str(world.llama), "--data", str(world.rows("messages")), "-o", str(output))
    return [sys.executable, "-m", "trainclinic", "train", *rows, *SETTINGS, *more]


def steps_in(output: Path) -> dict[int, float]:
    """The last loss of every step that the flight recorder holds."""
    lines = (output / "flight.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return {row["step"]: row["loss"] for row in rows if row["kind"] == "step"}


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.2])
def test_a_kill_loses_at_most_the_work_since_the_last_checkpoint(world, tmp_path, moment):
    output = tmp_path / "run"
    often = ("--max-steps", "60", "--set", "checkpoints.every_steps=5", "--set", "evaluation.every_steps=5",
             "--set", "checkpoints.keep=2", "--set", "evaluation.patience=0")  # fmt: skip
    process = subprocess.Popen(command(world, output, *often), env=PLACE, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (output / "checkpoint-15").is_dir() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = max(steps_in(output))
    good = checkpoints.last_good(output)
    assert good is not None
    assert reached - good.step <= 10  # the one that was being written may be torn
    ended = subprocess.run(command(world, output, *often, "--resume"), env=PLACE, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert checkpoints.last_good(output).step == 60


def test_two_processes_train_what_one_does(world, tmp_path):
    """Four rows in each of two processes are the eight rows of one."""
    one, two = tmp_path / "one", tmp_path / "two"
    steps = ("--max-steps", "8", "--set", "data.held_out=0", "--set", "batch.accumulation=1")
    alone = command(world, one, *steps, "--set", "batch.rows=8")
    assert subprocess.run(alone, env=PLACE, capture_output=True).returncode == 0
    launcher = (
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--master-port",
        str(20000 + os.getpid() % 20000),
    )
    shared = command(world, two, *steps, "--set", "batch.rows=4")[1:]
    ran = subprocess.run([sys.executable, *launcher, *shared], env=PLACE, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.count("\nsteps ") == 2, "the plan and the result are told once"
    expected, found = steps_in(one), steps_in(two)
    assert found.keys() == expected.keys()
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-3)
