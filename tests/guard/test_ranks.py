"""Two processes: what happens on one of them is decided on both, at the same step."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from .conftest import Loop, lines_of

STEPS = 12


def _train(rank, port, folder, fault):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE="2")
    import torch
    import torch.distributed

    from trainclinic.guard import Guard, Policy

    torch.distributed.init_process_group("gloo")
    loop = Loop(seed=0)
    whole = torch.nn.parallel.DistributedDataParallel(loop.model) if fault != "loss" else loop.model
    guard = Guard(
        loop.model,
        loop.optimizer,
        folder,
        policy=Policy(on_non_finite="rollback" if fault == "rollback" else "stop", strict=False),
    )
    if fault == "lag":
        guard._reader.lag = 1
    if fault == "trouble" and rank == 1:
        guard._gradients.norms = None
    if fault == "pack" and rank == 1:
        guard._step.tokens.append("not a number")
    losses, norm, step = [], None, 0
    for step in range(1, STEPS + 1):
        inputs, targets = loop.batch(2 * step + rank)
        loss = (whole(inputs) - targets).pow(2).mean()
        if step == 7 and rank == 1 and fault in ("gradient", "loss", "lag", "rollback"):
            loss = loss * float("nan")
        loss.backward()
        losses.append(loss.item())
        guard.look(loss, tokens=32)
        norm = torch.cat([p.grad.flatten() for p in loop.model.parameters()]).norm().item()
        loop.optimizer.step()
        stop = guard.step()
        loop.optimizer.zero_grad()
        if stop:
            break
    guard.close()
    finite = all(weight.isfinite().all().item() for weight in loop.weights())
    told = {"last": step, "losses": losses, "norm": norm, "silent": guard.troubles.silent, "finite": finite}
    (Path(folder) / f"rank{rank}.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()


def run_two(folder, fault):
    torch = pytest.importorskip("torch")
    if not torch.distributed.is_available():
        pytest.skip("this torch has no distributed package")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(_train, args=(port, str(folder), fault), nprocs=2)
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "last"), [("gradient", 7), ("loss", 7), ("lag", 8)])
def test_nan_on_one_process_stops_both_at_the_same_step(tmp_path, fault, last):
    first, second = run_two(tmp_path, fault)
    assert (first["last"], second["last"]) == (last, last)
    assert {row["step"] for row in lines_of(tmp_path, "alarm")} == {7}
    assert len(lines_of(tmp_path, "head")) == 1, "one of them writes"


@pytest.mark.slow
def test_the_record_is_that_of_both(tmp_path):
    first, second = run_two(tmp_path, "none")
    steps = lines_of(tmp_path, "step")
    assert [row["loss"] for row in steps] == pytest.approx(
        [(a + b) / 2 for a, b in zip(first["losses"], second["losses"], strict=True)]
    )
    assert steps[-1]["grad_norm"] == pytest.approx(first["norm"], rel=1e-5)
    assert steps[-1]["tokens"] == 2 * 32 * STEPS
    assert lines_of(tmp_path, "head")[0]["facts"]["world_size"] == 2


@pytest.mark.slow
def test_both_go_back_together(tmp_path):
    first, second = run_two(tmp_path, "rollback")
    assert (first["last"], second["last"]) == (STEPS, STEPS)
    assert first["finite"]
    assert second["finite"]
    assert len(lines_of(tmp_path, "rollback")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["trouble", "pack"])
def test_trouble_on_one_process_never_makes_the_other_wait(tmp_path, fault):
    first, second = run_two(tmp_path, fault)
    assert (first["last"], second["last"]) == (STEPS, STEPS)
    assert first["silent"] is second["silent"] is (fault == "trouble")
