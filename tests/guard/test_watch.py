"""The guard around a plain loop: what it records, what it leaves alone, and that nothing of it reaches the loop."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from trainclinic.guard import Guard, Policy
from trainclinic.guard.layers import MOST_BYTES, Layers, group_of

from .conftest import Loop, lines_of


def test_every_step_is_recorded_as_torch_computes_it(loop, tmp_path):
    plain = loop()
    torch = plain.torch
    norms = []

    class Watching(Guard):
        def look_at_gradients(self):
            norms.append(torch.cat([p.grad.flatten() for p in plain.model.parameters()]).norm().item())
            super().look_at_gradients()

    guard = Watching(plain.model, plain.optimizer, tmp_path, facts={"seed": 0})
    plain.run(guard, steps=20)
    guard.close()
    steps = lines_of(tmp_path, "step")
    assert [row["step"] for row in steps] == list(range(1, 21))
    assert [row["loss"] for row in steps] == pytest.approx(plain.losses)
    assert [row["grad_norm"] for row in steps] == pytest.approx(norms)
    assert max(norms) > 0.1, "the norm is taken before clipping to 0.1"
    assert [row["tokens"] for row in steps] == [32 * step for step in range(1, 21)]
    assert {row["learning_rate"] for row in steps} == {1e-2}
    assert [row["rows"] for row in steps] == [[step] for step in range(1, 21)]
    assert all(row["seconds"] > 0 and row["memory"] > 0 for row in steps)
    facts = lines_of(tmp_path, "head")[0]["facts"]
    assert facts["trainable_parameter_count"] == 97
    assert (facts["weights_dtype"], facts["device"], facts["world_size"], facts["seed"]) == ("float32", "cpu", 1, 0)
    assert lines_of(tmp_path)[-1] == {"kind": "end", "step": 20, "reason": "finished"}


def test_the_learning_rate_is_that_of_the_step_under_a_scheduler(loop, tmp_path):
    plain = loop(scheduled=True)
    with Guard(plain.model, plain.optimizer, tmp_path, scheduler=plain.scheduler) as guard:
        plain.run(guard, steps=3)
    assert [row["learning_rate"] for row in lines_of(tmp_path, "step")] == pytest.approx([1e-2, 1e-2 / 1.1, 1e-2 / 1.2])


def test_weights_are_the_same_with_and_without_a_guard(loop, tmp_path):
    alone, watched = loop(), loop()
    alone.run()
    random_state = watched.torch.random.get_rng_state()
    with Guard(watched.model, watched.optimizer, tmp_path, policy=Policy(on_spike="rollback", sample_every=3)) as guard:
        watched.run(guard)
    assert all(one.equal(other) for one, other in zip(alone.weights(), watched.weights(), strict=True))
    assert watched.torch.random.get_rng_state().equal(random_state)


def test_micro_batches_are_averaged_by_their_weights(loop, tmp_path):
    plain = loop()
    with Guard(plain.model, plain.optimizer, tmp_path) as guard:
        for value, weight, last in ((1.0, 3.0, False), (5.0, 1.0, True)):
            plain.model(plain.batch(1)[0]).sum().backward()
            guard.look(plain.torch.tensor(value), weight=weight, last=last)
        guard.step()
        guard.look(plain.torch.tensor(4.0))
        guard.look(plain.torch.tensor(2.0))
        guard.step()
    assert [row["loss"] for row in lines_of(tmp_path, "step")] == pytest.approx([2.0, 3.0])


def test_a_bad_update_stops_the_run_and_leaves_the_weights_as_they_were(loop, tmp_path):
    plain = loop(poison={8: float("nan")})
    before = []
    guard = Guard(plain.model, plain.optimizer, tmp_path)
    last = plain.run(guard, each=lambda step: before.append(plain.weights()) if step == 7 else None)
    guard.close()
    assert last == 8
    assert guard.stopping
    assert all(one.equal(other) for one, other in zip(plain.weights(), before[0], strict=True))
    alarms = lines_of(tmp_path, "alarm")
    assert [(row["step"], row["rule"], row["action"]) for row in alarms] == [
        (8, "non-finite-gradient", "stop"),
        (8, "non-finite-loss", "stop"),
    ]
    assert "`0.weight`" in alarms[0]["says"]
    assert lines_of(tmp_path)[-1]["reason"] == "stopped"


def test_a_single_bad_element_is_found_and_its_tensor_named(loop, tmp_path):
    plain = loop()
    guard = Guard(plain.model, plain.optimizer, tmp_path)
    plain.model(plain.batch(1)[0]).sum().backward()
    plain.model[2].weight.grad[0, 5] = float("inf")
    guard.look(1.0)
    assert guard.step()
    assert "`2.weight`" in lines_of(tmp_path, "alarm")[0]["says"]


def test_without_strictness_the_update_happens_and_the_checkpoint_is_suspect(loop, tmp_path):
    plain = loop(poison={8: float("nan")})
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=Policy(strict=False))
    assert plain.run(guard) == 8
    state, why = guard.judge_weights()
    assert state == "suspect"
    assert "a trained weight is not finite" in why
    assert "the gradient is not finite at step 8" in why


def test_a_dropped_update_does_not_spoil_checkpoints(loop, tmp_path):
    plain = loop(poison={8: float("nan")})
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=Policy(on_non_finite="warn"))
    assert plain.run(guard) == 20
    assert guard.judge_weights() == ("good", "")
    assert {row["action"] for row in lines_of(tmp_path, "alarm")} == {"warn"}


def test_numbers_that_come_late_are_judged_one_step_later(loop, tmp_path):
    plain = loop(poison={8: float("nan")})
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=Policy(strict=False))
    guard._reader.lag = 1
    assert plain.run(guard) == 9
    guard.close()
    assert [row["step"] for row in lines_of(tmp_path, "step")] == list(range(1, 10))
    assert lines_of(tmp_path, "alarm")[0]["step"] == 8


def test_a_flush_judges_what_is_under_way(loop, tmp_path):
    plain = loop(poison={8: float("nan")})
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=Policy(strict=False))
    guard._reader.lag = 1
    plain.run(guard, steps=8)
    assert not guard.stopping
    assert guard.judge_weights()[0] == "suspect"
    assert guard.stopping


@pytest.mark.parametrize("unscaled", [False, True])
def test_a_loss_scaler_takes_its_factor_out_of_the_norm_and_skips_in_peace(loop, tmp_path, unscaled):
    plain = loop()
    scaler = plain.torch.amp.GradScaler("cpu", init_scale=1024.0)
    guard = Guard(plain.model, plain.optimizer, tmp_path, scaler=scaler)
    plain.model(plain.batch(1)[0]).sum().backward()
    wanted = plain.torch.cat([p.grad.flatten() for p in plain.model.parameters()]).norm().item()
    step = 0
    for step in range(1, 31):
        plain.optimizer.zero_grad()
        scaler.scale(plain.model(plain.batch(1)[0]).sum()).backward()
        if step > 1:
            plain.model[0].bias.grad[0] = float("inf")
        if unscaled:
            scaler.unscale_(plain.optimizer)
        guard.look(1.0)
        scaler.step(plain.optimizer)
        scaler.update()
        if guard.step():
            break
    steps = lines_of(tmp_path, "step")
    assert steps[0]["grad_norm"] == pytest.approx(wanted, rel=1e-5)
    assert [row["loss_scale"] for row in steps[:4]] == [1024.0, 1024.0, 512.0, 256.0]
    assert step == 22, "twenty in a row are normal, the first was none"
    assert "`0.bias`" in lines_of(tmp_path, "alarm")[0]["says"]
    assert all(weight.isfinite().all() for weight in plain.weights())


def test_norms_and_update_ratios_by_layer_come_at_sampled_steps(loop, tmp_path):
    plain = loop()
    before, after = [], []
    before.append([p.detach().clone() for p in plain.model.parameters()])
    with Guard(plain.model, plain.optimizer, tmp_path, policy=Policy(sample_every=10)) as guard:
        plain.run(guard, steps=20, each=lambda step: after.append(plain.weights()) if step == 1 else None)
    rows = lines_of(tmp_path, "layers")
    assert [row["step"] for row in rows] == [1, 10, 20]
    old, new = (
        plain.torch.cat([t.flatten() for t in before[0][:2]]),
        plain.torch.cat([t.flatten() for t in after[0][:2]]),
    )
    assert rows[0]["update_ratio"]["0"] == pytest.approx(((new - old).norm() / old.norm()).item(), rel=1e-4)
    assert rows[0]["weight_norm"]["0"] == pytest.approx(new.norm().item(), rel=1e-5)
    assert set(rows[0]["grad_norm"]) == {"0", "2"}


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("model.layers.11.self_attn.q_proj.weight", "layers.11"),
        ("base_model.model.model.layers.3.mlp.up_proj.lora_A.default.weight", "layers.3"),
        ("transformer.h.0.attn.c_attn.bias", "h.0"),
        ("model.embed_tokens.weight", "embed_tokens"),
        ("lm_head.weight", "lm_head"),
        ("0.weight", "0"),
        ("module.0.weight", "0"),
        ("weight", "weight"),
    ],
)
def test_tensors_belong_to_layers(name, group):
    assert group_of(name) == group


def test_copies_for_update_ratios_are_bounded(loop, monkeypatch):
    plain = loop()
    plain.model(plain.batch(1)[0]).sum().backward()
    from trainclinic.guard import layers
    from trainclinic.guard.telemetry import Gradients

    monkeypatch.setattr(layers, "MOST_BYTES", 4 * 4 * 4)
    assert MOST_BYTES == 64 * 2**20
    watched = Layers(Gradients(plain.model), 1)
    watched.before_update()
    assert [copy.numel() for _, copy in watched._before] == [4, 4, 4, 1]


def test_an_exception_inside_is_recorded_and_the_training_goes_on(loop, tmp_path, monkeypatch, caplog):
    plain = loop()
    guard = Guard(plain.model, plain.optimizer, tmp_path)

    def broken():
        message = "out of luck"
        raise RuntimeError(message)

    monkeypatch.setattr(guard._gradients, "norms", broken)
    with caplog.at_level(logging.WARNING, logger="trainclinic.guard"):
        assert plain.run(guard, steps=30) == 30
    troubles = lines_of(tmp_path, "trouble")
    assert len(troubles) == 10
    assert troubles[0]["says"] == "look_at_gradients: `RuntimeError`: out of luck"
    assert [row["step"] for row in lines_of(tmp_path, "step")] == list(range(1, 10)), "silent after ten"
    assert len(caplog.records) == 2, "the first one, and the falling silent"


def test_a_folder_that_cannot_be_written_does_not_stop_a_training(loop, tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    plain = loop(poison={8: float("nan")})
    with caplog.at_level(logging.WARNING, logger="trainclinic.guard"):
        guard = Guard(plain.model, plain.optimizer, tmp_path / "file" / "out")
        assert plain.run(guard) == 8, "it is guarded all the same"
    assert "nothing is recorded" in caplog.text


@pytest.mark.parametrize("broken", ["Gradients", "Layers", "Rates", "Answering", "FlightRecorder"])
def test_a_guard_that_cannot_be_made_lets_the_training_run(loop, tmp_path, monkeypatch, caplog, broken):
    from trainclinic.guard import watch

    monkeypatch.setattr(watch, broken, None)
    plain = loop()
    with caplog.at_level(logging.WARNING, logger="trainclinic.guard"):
        guard = watch.Guard(plain.model, plain.optimizer, tmp_path)
        assert plain.run(guard) == 20
        guard.record("evaluation", loss=1.0)
        guard.judge_weights()
        guard.close()
    assert caplog.records


@pytest.mark.parametrize(
    ("end", "reason"),
    [("", "finished"), ("raise RuntimeError('out of memory')", "failed"), ("guard.close('failed')", "failed")],
)
def test_the_end_is_recorded_even_when_nobody_says_it(tmp_path, end, reason):
    code = f"""
import torch
from trainclinic.guard import Guard
model = torch.nn.Linear(2, 1)
guard = Guard(model, folder={str(tmp_path)!r})
model(torch.ones(1, 2)).sum().backward()
guard.look(1.0)
guard.step()
{end}
"""
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert lines_of(tmp_path)[-1]["reason"] == reason


def test_a_block_that_fails_is_recorded_as_failed(loop, tmp_path):
    plain = loop()

    def fail(step):
        raise KeyError(step)

    with pytest.raises(KeyError), Guard(plain.model, plain.optimizer, tmp_path) as guard:
        plain.run(guard, steps=2, each=fail)
    assert lines_of(tmp_path)[-1]["reason"] == "failed"


def test_tensors_without_gradient_and_float16_gradients_are_measured(tmp_path):
    torch = Loop().torch
    model = torch.nn.Linear(1000, 200, bias=False).half()
    model.register_parameter("frozen", torch.nn.Parameter(torch.ones(3), requires_grad=False))
    with Guard(model, folder=tmp_path, policy=Policy(sample_every=0)) as guard:
        model.weight.grad = torch.full((200, 1000), 200.0, dtype=torch.float16)
        guard.look(1.0)
        assert not guard.step(), "finite gradients whose squares overflow float16"
    assert lines_of(tmp_path, "step")[0]["grad_norm"] == pytest.approx(200.0 * 200_000**0.5, rel=1e-3)


def test_float64_and_sparse_gradients_are_measured(tmp_path):
    torch = Loop().torch
    model = torch.nn.ModuleDict({"e": torch.nn.Embedding(5, 2, sparse=True), "l": torch.nn.Linear(2, 1)}).double()
    with Guard(model, folder=tmp_path) as guard:
        model["l"](model["e"](torch.tensor([1, 1, 2]))).sum().backward()
        guard.look(1.0)
        guard.step()
    wanted = torch.cat([p.grad.to_dense().flatten() for p in model.parameters()]).norm().item()
    assert lines_of(tmp_path, "step")[0]["grad_norm"] == pytest.approx(wanted, rel=1e-5)
    assert lines_of(tmp_path, "trouble") == []


def test_the_room_is_imported_without_the_learning_stack():
    code = "import sys; from trainclinic.guard import Policy, FlightRecorder; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


def test_a_name_that_is_not_there_is_an_attribute_error():
    import trainclinic.guard

    with pytest.raises(AttributeError, match="Nothing"):
        _ = trainclinic.guard.Nothing
