"""Falling-then-rising least squares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.signals.unimodal import fit_unimodal, pool_rising

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


def test_a_violation_is_pooled_to_its_mean() -> None:
    assert pool_rising(np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx([1.0, 2.5, 2.5, 4.0])


def test_a_valley_is_fitted_exactly_and_uses_all_levels() -> None:
    valley = np.array([3.0, 1.0, 2.0, 5.0])
    fit = fit_unimodal(valley)
    assert fit.fitted == pytest.approx(valley)
    assert fit.levels == 4


@given(VALUES)
def test_pooling_rises_and_keeps_the_mean(values: list[float]) -> None:
    array = np.array(values)
    pooled = pool_rising(array)
    assert np.all(np.diff(pooled) >= 0)
    assert pooled.mean() == pytest.approx(array.mean(), abs=1e-9)


@given(VALUES)
def test_a_fit_falls_to_the_minimum_and_rises_after_it(values: list[float]) -> None:
    array = np.array(values)
    bottom = int(np.argmin(array))
    fitted = fit_unimodal(array).fitted
    assert np.all(np.diff(fitted[: bottom + 1]) <= 1e-12)
    assert np.all(np.diff(fitted[bottom:]) >= -1e-12)
