"""Adam on float16 parameters, against the update sizes measured with PyTorch's for-loop AdamW."""

from __future__ import annotations

import math

import pytest

from trainclinic.signals.half_precision import first_change, smallest_felt_gradient

MEASURED = {
    (1e-2, 1e-8): -1.8e-4,
    (1e-2, 1e-6): -1.8e-4,
    (1e-2, 1e-4): -1.8e-4,
    (1e-3, 1e-8): -math.inf,
    (1e-3, 1e-6): -0.197,
    (1e-3, 1e-4): -2.0e-3,
    (1e-5, 1e-8): -math.inf,
    (1e-5, 1e-6): -2.0e-3,
    (1e-5, 1e-4): -1.5e-5,
    (0.0, 1e-6): 0.0,
    (0.0, 1e-4): 0.0,
}


@pytest.mark.parametrize(("case", "change"), MEASURED.items())
def test_the_first_change_of_a_weight_is_the_measured_one(case: tuple[float, float], change: float) -> None:
    gradient, epsilon = case
    assert first_change(gradient, rate=2e-4, epsilon=epsilon) == pytest.approx(change, rel=0.03)


def test_a_gradient_of_zero_is_nan_at_any_rate_even_zero() -> None:
    assert math.isnan(first_change(0.0, rate=2e-4))
    assert math.isnan(first_change(0.0, rate=0.0))


def test_smaller_gradients_have_no_second_moment() -> None:
    assert smallest_felt_gradient(0.999) == pytest.approx(5.46e-3, rel=2e-3)
    assert smallest_felt_gradient(0.95) == pytest.approx(7.92e-4, rel=2e-3)
