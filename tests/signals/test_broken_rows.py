"""Rows in which training was broken, loss and gradient norm read together."""

from __future__ import annotations

import math

from tests.signals.run_builder import run_of

from trainclinic.signals.broken_rows import updates_survived

NAN = math.nan


def test_a_run_without_broken_rows_has_none() -> None:
    assert run_of([1, 2, 3], loss=[2.0, 1.9, 1.8], norm=[1.0, 1.0, 1.0]).broken_rows is None


def test_single_norms_of_a_scaler_do_not_break_a_row() -> None:
    assert run_of(range(1, 6), loss=[2.0] * 5, norm=[math.inf, 1.0, NAN, 1.0, 1.0]).broken_rows is None


def test_a_norm_that_stays_broken_does() -> None:
    found = run_of(range(1, 6), loss=[2.0] * 5, norm=[math.inf, 1.0, 1.0, NAN, NAN]).broken_rows
    assert found is not None
    assert (found.first_step, found.last_good, found.series, found.good_after) == (4, 3, "train/grad_norm", None)


def test_a_good_loss_beside_a_norm_that_stays_broken_is_no_recovery() -> None:
    found = run_of(range(1, 6), loss=[2.0, NAN, 2.0, 2.0, 2.0], norm=[1.0, NAN, NAN, NAN, NAN]).broken_rows
    assert found is not None
    assert found.good_after is None


def test_a_good_row_after_a_broken_one_is() -> None:
    found = run_of(range(1, 6), loss=[2.0, NAN, NAN, 2.0, 2.0]).broken_rows
    assert found is not None
    assert (found.first_step, found.after, found.good_after) == (2, 3, 3)


def test_zeros_that_hide_nan_are_broken_rows() -> None:
    found = run_of(range(1, 5), loss=[2.0, 0.0, 0.0, 0.0], norm=[1.0, NAN, NAN, NAN]).broken_rows
    assert found is not None
    assert (found.first_step, found.value) == (2, 0.0)


def test_a_row_that_the_filter_made_is_broken_itself() -> None:
    facts = {"accumulation_steps": 8.0, "logging_steps": 10.0}
    found = run_of([10, 20, 30], loss=[14577.9766, 0.0, 0.0], rate=[2e-4, 1.9e-4, 1.8e-4], facts=facts).broken_rows
    assert found is not None
    assert (found.first_step, found.good) == (10, 0)


def test_a_mean_right_before_hidden_zeros_is_good_only_with_a_finite_norm() -> None:
    loss, broken = [2.0, 1.9, 1.8, 0.0, 0.0], [1.0, 1.0, NAN, NAN, NAN]
    doubtful = run_of(range(10, 60, 10), loss=loss, norm=broken).broken_rows
    certain = run_of(range(10, 60, 10), loss=loss, norm=[1.0, 1.0, 1.0, NAN, NAN]).broken_rows
    assert doubtful is not None
    assert certain is not None
    assert (doubtful.good, certain.good) == (2, 3)


def test_updates_are_counted_from_the_last_rate_of_0_on() -> None:
    run = run_of(range(1, 7), loss=[2.0, 2.0, 2.0, 2.0, NAN, NAN], rate=[0.0, 0.0, 1e-5, 1e-5, 1e-5, 1e-5])
    assert updates_survived(run.broken_rows, run.record.get("train/learning_rate"), "step") == 1
    assert updates_survived(run.broken_rows, None, "step") == 3
    assert updates_survived(None, None, "step") == 0
