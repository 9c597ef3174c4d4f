"""Rows in which training was broken, loss and gradient norm read together."""

from __future__ import annotations

import math

from tests.signals.run_builder import run_of

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
