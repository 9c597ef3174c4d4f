"""The first value of a run: whether an update can have made it, and where it lies."""

from __future__ import annotations

import math

import pytest
from tests.signals.run_builder import run_of

from trainclinic.signals.first_value import FirstValue

NAN = math.nan
GPT2 = {"model_name": "gpt2"}


def first(*args: object, **more: object) -> FirstValue:
    found = run_of(*args, **more).first_value  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("step", [[0, 1, 2], [1, 2, 3]])
def test_steps_0_and_1_come_before_any_update(step: list[int]) -> None:
    found = first(step, loss=[NAN, NAN, NAN])
    assert (found.kind, found.before_update) == ("not-finite", True)


def test_a_broken_mean_of_ten_steps_may_come_from_an_update() -> None:
    assert first([10, 20, 30], loss=[NAN, NAN, NAN]).before_update is None


def test_a_mean_of_exactly_0_was_0_from_its_first_batch_on() -> None:
    found = first([10, 20, 30], loss=[0.0, 0.0, 0.0], norm=[NAN, NAN, NAN])
    assert (found.kind, found.before_update) == ("zero", True)


def test_a_loop_that_prints_single_steps_says_nothing_about_the_steps_before() -> None:
    found = first([100, 200, 300], loss=[0.0, 0.0, 0.0], log_format="delimited_table")
    assert (found.kind, found.before_update) == ("zero", None)


def test_a_rate_of_0_that_rises_later_belongs_to_the_first_step() -> None:
    row = first([1, 2], axis="row", loss=[NAN, NAN], rate=[0.0, 1e-5])
    assert row.before_update is True
    assert first([1, 2], axis="row", loss=[NAN, NAN], rate=[0.0, 0.0]).before_update is None


def test_an_infinite_norm_of_the_first_steps_is_a_scaler_at_work() -> None:
    found = first([1, 2, 3, 4], loss=[2.0, 1.9, 1.8, 1.7], norm=[math.inf, math.inf, 0.9, 0.8], facts=GPT2)
    assert found.kind == "finite"


def test_norms_that_are_never_finite_beside_a_flat_loss_were_never_stepped_on() -> None:
    flat = first(range(10, 70, 10), loss=[1.70, 1.71, 1.69, 1.70, 1.71, 1.70], norm=[NAN] * 6)
    assert (flat.kind, flat.before_update) == ("norm-not-finite", True)


def test_the_same_norms_beside_a_falling_loss_are_left_alone() -> None:
    assert first(range(10, 70, 10), loss=[1.7, 1.6, 1.5, 1.4, 1.3, 1.2], norm=[NAN] * 6).kind == "finite"


def test_the_loss_behind_a_filtered_row_is_the_first_loss() -> None:
    facts = {"accumulation_steps": 8.0, "logging_steps": 10.0, "warmup_steps": 10.0}
    found = first([10, 20], loss=[14577.9766, 0.0], norm=[NAN, NAN], rate=[2e-4, 1.986e-4], facts=facts)
    assert found.kind == "distorted"
    assert found.loss == pytest.approx(2.231, abs=1e-3)
    assert found.before_update is None


@pytest.mark.parametrize(("loss", "level"), [(3.4, "plausible"), (9.2, "too-high"), (0.05, "too-low")])
def test_a_known_model_has_a_known_start(loss: float, level: str) -> None:
    assert first([1, 2], loss=[loss, loss], facts=GPT2).level == level


def test_without_a_model_only_the_extremes_are_told() -> None:
    assert first([1, 2], loss=[5.5, 5.4], log_format="delimited_table").level == "open"
    gentle = first([10, 20], loss=[8.9, 8.1], rate=[2e-5, 1.9e-5], extra={"train/epoch": [0.1, 0.2]})
    assert gentle.level == "too-high"


def test_a_log_that_begins_in_the_middle_has_no_first_value() -> None:
    assert run_of([500, 510, 520], loss=[2.0, 2.0, 2.0]).first_value is None


def test_an_evaluation_before_training_comes_first() -> None:
    run = run_of([0, 10, 20], loss=[NAN, 3.3, 3.2], eval=[9.2, 9.1, 9.0])
    assert run.first_value is not None
