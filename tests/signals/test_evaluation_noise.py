"""How far an evaluation moves when nothing has changed."""

from __future__ import annotations

import numpy as np
import pytest

from trainclinic.signals.evaluation_noise import noise_of_curve


def test_a_few_evaluations_on_a_smooth_curve_still_have_an_error() -> None:
    found = noise_of_curve(np.array([4.0, 3.0, 2.0, 1.9]))
    assert found.standard_error == pytest.approx(0.005 * 2.5)
    assert found.quantile == pytest.approx(3.18, abs=0.1)


@pytest.mark.parametrize("deviation", [0.02, 0.1])
def test_the_scatter_of_a_long_curve_is_recovered(deviation: float) -> None:
    rng = np.random.default_rng(3)
    curve = 2 + 2 * np.exp(-np.arange(200) / 30) + deviation * rng.standard_normal(200)
    found = noise_of_curve(curve)
    assert found.standard_error == pytest.approx(deviation, rel=0.25)
    assert found.quantile == pytest.approx(2.0, rel=0.02)


def test_a_single_excursion_is_left_out_and_named() -> None:
    rng = np.random.default_rng(4)
    curve = 2 + 0.01 * rng.standard_normal(30)
    quiet = noise_of_curve(curve).standard_error
    curve[12] = 5.0
    found = noise_of_curve(curve)
    assert found.excursions == (12,)
    assert found.standard_error == pytest.approx(quiet, rel=0.3)


def test_printed_digits_are_the_least_error() -> None:
    assert noise_of_curve(np.full(20, 0.01), half_unit=0.005).standard_error == 0.005


def test_the_size_of_the_sample_outranks_the_curve() -> None:
    found = noise_of_curve(np.array([2.0, 1.9, 1.95, 1.8]), crop_error=0.04)
    assert (found.how, found.standard_error, found.quantile) == ("crops", 0.04, 2.0)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [0.0, 0.0, 0.0]])
def test_short_and_constant_curves_do_not_fail(values: list[float]) -> None:
    assert noise_of_curve(np.array(values)).standard_error >= 0.0
