"""Going back: bit for bit, with a lower rate, with the data that come next, a bounded number of times."""

# ruff: noqa: ARG001, ARG005
from __future__ import annotations

import pytest

from trainclinic.guard import Guard, Policy
from trainclinic.guard.rollback import Snapshot

from .conftest import lines_of

BACK = Policy(on_non_finite="rollback", snapshot_every=5, strict=False)


def state_of(loop):
    state = loop.optimizer.state
    return [
        (key, value.clone() if hasattr(value, "clone") else value) for p in state for key, value in state[p].items()
    ]


def same(one, other):
    return len(one) == len(other) and all(
        k == name and (v == w).all() for (k, v), (name, w) in zip(one, other, strict=True)
    )


def test_weights_buffers_and_optimizer_state_come_back_bit_for_bit(loop):
    plain = loop()
    plain.model.register_buffer("seen", plain.torch.zeros(2))
    plain.run(steps=5)
    weights, state = plain.weights(), state_of(plain)
    addresses = [p.data_ptr() for p in plain.model.parameters()]
    snapshot = Snapshot(plain.model, plain.optimizer, 5)
    plain.run(steps=5, first=5)
    plain.model.seen += 1
    assert not same(state, state_of(plain))
    snapshot.restore(plain.optimizer)
    assert all(one.equal(other) for one, other in zip(weights, plain.weights(), strict=True))
    assert same(state, state_of(plain))
    assert plain.model.seen.tolist() == [0, 0]
    assert [p.data_ptr() for p in plain.model.parameters()] == addresses, "in place"
    plain.run(steps=2, first=20)
    assert same(state, state_of(plain)) is False, "and the run goes on"
    snapshot.restore(plain.optimizer)
    assert same(state, state_of(plain)), "a snapshot serves more than once"


def test_a_snapshot_before_the_first_step_takes_the_optimizer_back_to_nothing(loop):
    plain = loop()
    snapshot = Snapshot(plain.model, plain.optimizer, 0)
    plain.run(steps=3)
    snapshot.restore(plain.optimizer)
    assert len(plain.optimizer.state) == 0


@pytest.mark.parametrize("scheduled", [False, True])
def test_a_bad_update_is_undone_and_the_run_goes_on_at_half_the_rate(loop, tmp_path, scheduled):
    plain = loop(poison={13: float("nan")}, scheduled=scheduled)
    kept = []
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=BACK, scheduler=plain.scheduler)

    def look(step):
        if step == 10:
            kept.append(plain.weights())
        if step == 13:
            kept.append(plain.weights())

    assert plain.run(guard, each=look) == 20
    guard.close()
    assert all(one.equal(other) for one, other in zip(*kept, strict=True)), "back at step 10"
    assert all(weight.isfinite().all() for weight in plain.weights())
    (row,) = lines_of(tmp_path, "rollback")
    assert (row["step"], row["to"], row["try"]) == (13, 10, 1)
    rates = [row["learning_rate"] for row in lines_of(tmp_path, "step")]
    plan = [1e-2 / (1 + step / 10) if scheduled else 1e-2 for step in range(20)]
    assert rates == pytest.approx(plan[:13] + [rate / 2 for rate in plan[13:]])
    assert [row["rows"] for row in lines_of(tmp_path, "step")][12:15] == [[13], [14], [15]], "the bad data are skipped"
    assert guard.judge_weights() == ("good", "")


def test_a_rate_that_the_loop_sets_itself_is_lowered_for_the_update_alone(loop, tmp_path):
    plain = loop(poison={3: float("nan")})
    used = []
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=BACK)

    def set_rate(step):
        for group in plain.optimizer.param_groups:
            used.append(group["lr"])
            group["lr"] = 1e-2

    plain.run(guard, steps=8, each=set_rate)
    assert set(used) == {1e-2}, "the loop sees what it has set"
    assert [row["learning_rate"] for row in lines_of(tmp_path, "step")] == pytest.approx([1e-2] * 3 + [5e-3] * 5)
    guard.close()
    assert not plain.optimizer._optimizer_step_pre_hooks


def test_a_lowered_rate_is_really_used(loop, tmp_path):
    slow, back = loop(rate=5e-3), loop(poison={1: float("nan")})
    slow.run(steps=4, first=1)
    with Guard(back.model, back.optimizer, tmp_path, policy=BACK) as guard:
        back.run(guard, steps=5)
    assert all(one.allclose(other, atol=1e-6) for one, other in zip(slow.weights(), back.weights(), strict=True))


def test_after_the_last_try_the_run_stops(loop, tmp_path):
    plain = loop(poison={7: float("nan"), 12: float("inf"), 15: float("nan")})
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=BACK)
    assert plain.run(guard) == 15
    assert [row["try"] for row in lines_of(tmp_path, "rollback")] == [1, 2]
    assert lines_of(tmp_path, "alarm")[-1]["action"] == "stop"


def test_no_snapshot_is_taken_while_something_is_wrong(loop, tmp_path):
    plain = loop()
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=BACK)
    plain.run(guard, steps=5)
    assert guard._answering.snapshot.step == 5
    guard._answering.judgement._against["loss-spike"] = "high"
    guard._answering.judgement._rules = ()
    plain.run(guard, steps=7, first=5)
    assert guard._answering.snapshot.step == 5


def test_no_memory_is_taken_where_nothing_rolls_back(loop, tmp_path):
    plain = loop()
    with Guard(plain.model, plain.optimizer, tmp_path, policy=Policy(snapshot_every=2)) as guard:
        plain.run(guard, steps=5)
        assert guard._answering.snapshot is None


def test_numbers_of_the_state_that_was_left_are_not_judged(loop, tmp_path):
    plain = loop(poison={7: float("nan"), 8: float("nan")})
    guard = Guard(plain.model, plain.optimizer, tmp_path, policy=BACK)
    guard._reader.lag = 1
    assert plain.run(guard) == 20
    guard.close()
    assert len(lines_of(tmp_path, "rollback")) == 1
    assert lines_of(tmp_path, "rollback")[0]["step"] == 8


def test_nested_schedulers_are_lowered_too(loop):
    from trainclinic.guard.rates import Rates

    plain = loop()
    torch = plain.torch
    parts = [torch.optim.lr_scheduler.LambdaLR(plain.optimizer, lambda step: 1.0) for _ in range(2)]
    joined = torch.optim.lr_scheduler.SequentialLR(plain.optimizer, parts, [2])
    Rates(plain.optimizer, joined).lower(0.5)
    rates = []
    for _ in range(4):
        rates.append(plain.optimizer.param_groups[0]["lr"])
        plain.optimizer.step()
        joined.step()
    assert rates == pytest.approx([5e-3] * 4)
