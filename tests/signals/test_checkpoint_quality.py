"""Which checkpoints to keep and which to distrust."""

from __future__ import annotations

import math

import pytest

from trainclinic.record.facts import Fact, Facts
from trainclinic.record.parts import Checkpoint
from trainclinic.record.run import RunRecord
from trainclinic.record.series import Printed, make_series
from trainclinic.record.source import Source
from trainclinic.signals.checkpoint_quality import CheckpointQuality
from trainclinic.signals.measured import Measured

HERE = Source("train.log", 1)
STEPS = [500, 1000, 1500, 2000, 2500]


def judged(
    saved: list[int], columns: dict[str, tuple[list[int], list[float]]], facts: dict[str, float] | None = None
) -> CheckpointQuality | None:
    series = {
        name: make_series(
            name, step, value, line=range(1, len(step) + 1), files=("train.log",), printed=Printed("fixed", 4)
        )
        for name, (step, value) in columns.items()
    }
    checkpoints = tuple(Checkpoint(step, f"checkpoint-{step}", HERE) for step in saved)
    known = Facts(Fact(key, value, HERE) for key, value in (facts or {}).items())
    return Measured(RunRecord("run", series=series, checkpoints=checkpoints, facts=known)).checkpoint_quality


REPORT_B = {
    "train/loss": ([0, *STEPS], [9.2270, 6.9544, 6.5811, 6.6511, 9.5846, 6.6424]),
    "eval/loss": ([0, *STEPS], [9.2680, 7.1291, 6.7096, 6.7427, 9.6169, 6.7105]),
}
CROPS = {"evaluation_batches": 20.0, "micro_batch_size": 8.0, "sequence_length": 256.0}


def test_report_b_keeps_three_checkpoints_and_distrusts_only_that_of_step_2000() -> None:
    found = judged(STEPS, REPORT_B, CROPS)
    assert found is not None
    assert [one.step for one in found.suspects] == [2000]
    assert "re-evaluate" in found.suspects[0].suspect
    assert found.best is not None
    assert (found.best.step, found.best.path, found.best.exists) == (1000, "checkpoint-1000", True)
    assert found.equivalent == (1000, 1500, 2500)


def test_without_checkpoints_the_evaluated_steps_are_judged_and_none_is_said_to_exist() -> None:
    found = judged([], REPORT_B, CROPS)
    assert found is not None
    assert [one.step for one in found.judged] == STEPS
    assert {one.exists for one in found.judged} == {None}
    expected = judged([], REPORT_B, {**CROPS, "save_steps": 1000.0})
    assert expected is not None
    assert [one.step for one in expected.judged] == [1000, 2000]


def test_checkpoints_after_the_lowest_evaluation_of_an_overfitting_run_are_suspect() -> None:
    steps = [100, 200, 300, 400, 500, 600]
    columns = {
        "train/loss": (steps, [2.0, 1.6, 1.2, 0.9, 0.6, 0.4]),
        "eval/loss": (steps, [2.1, 1.9, 1.8, 1.9, 2.1, 2.4]),
    }
    found = judged(steps, columns)
    assert found is not None
    assert [one.step for one in found.suspects] == [400, 500, 600]
    assert found.best is not None
    assert found.best.step == 300


def test_checkpoints_from_the_first_of_lasting_nan_on_are_suspect() -> None:
    steps = list(range(10, 110, 10))
    loss = [2.0, 1.9, 1.8, 1.7, 1.6, *[math.nan] * 5]
    found = judged([20, 40, 60, 100], {"train/loss": (steps, loss)})
    assert found is not None
    assert [one.step for one in found.suspects] == [60, 100]
    assert found.best is not None
    assert (found.best.step, found.basis) == (40, "train/loss")
    assert "memorising" in found.caveat


def test_an_isolated_nan_row_makes_no_checkpoint_suspect() -> None:
    steps = list(range(10, 110, 10))
    loss = [2.0, 1.9, math.nan, 1.7, 1.6, 1.5, 1.5, 1.4, 1.4, 1.3]
    found = judged([40, 100], {"train/loss": (steps, loss)})
    assert found is not None
    assert not found.suspects


def test_a_checkpoint_far_from_any_evaluation_has_no_loss() -> None:
    found = judged([1000, 4000], REPORT_B, CROPS)
    assert found is not None
    assert [one.loss for one in found.judged] == [pytest.approx(6.7096), None]


def test_policy_training_is_not_judged_by_its_loss() -> None:
    steps = list(range(10, 110, 10))
    columns = {"train/loss": (steps, [0.01] * 10), "reward/std": (steps, [0.5] * 10)}
    found = judged([50, 100], columns)
    assert found is not None
    assert (found.best, found.basis) == (None, "none")


def test_nothing_saved_and_nothing_evaluated_is_nothing_to_judge() -> None:
    assert judged([], {"train/loss": ([10, 20, 30], [2.0, 1.9, 1.8])}) is None


@pytest.mark.parametrize(("height", "suspect"), [(4.0, [500]), (3.0, [])])
def test_a_training_spike_makes_a_checkpoint_suspect_only_when_it_lost_half_of_the_run(
    height: float, suspect: list[int]
) -> None:
    steps = list(range(10, 1010, 10))
    loss = [2.0 + 2.0 / (1 + step / 100) for step in steps]
    loss[48:52] = [height] * 4
    found = judged([300, 500, 800], {"train/loss": (steps, loss)})
    assert found is not None
    assert [one.step for one in found.suspects] == suspect
