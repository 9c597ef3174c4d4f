"""Extrapolation of a loss curve, its interval, and when it is refused."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.run_builder import run_of

from trainclinic.signals.forecast import Forecast, fit_power_law


def synthetic(seed: int) -> tuple[Forecast, float]:
    """500 steps of a power law with AR(1) noise, and the truth at step 2000."""
    rng = np.random.default_rng(seed)
    floor, size, tau, alpha = rng.uniform(1, 2.5), rng.uniform(1, 3), rng.uniform(10, 60), rng.uniform(0.4, 0.9)
    step = np.arange(500.0)
    noise = rng.standard_normal(500)
    for i in range(1, 500):
        noise[i] += 0.3 * noise[i - 1]
    value = floor + size * (1 + step / tau) ** -alpha + 0.05 * noise
    return fit_power_law(step, value, 2000.0, horizon_step=2000), floor + size * (1 + 2000 / tau) ** -alpha


def test_four_times_the_horizon_is_met_within_five_hundredths() -> None:
    errors = [found.value - truth for found, truth in map(synthetic, range(8)) if not found.refused]
    assert len(errors) >= 6
    assert float(np.median(np.abs(errors))) < 0.05


@pytest.mark.slow
def test_the_interval_covers_most_truths() -> None:
    pairs = [(found, truth) for found, truth in map(synthetic, range(60)) if not found.refused]
    assert float(np.median([abs(found.value - truth) for found, truth in pairs])) < 0.05
    assert np.mean([found.low <= truth <= found.high for found, truth in pairs]) > 0.75


def test_a_short_span_is_refused() -> None:
    found = run_of(list(range(1000, 3000, 50)), loss=np.linspace(3, 2.5, 40).tolist()).forecast
    assert found is not None
    assert "factor of five" in found.refused


def test_a_straight_line_is_refused_as_no_power_law() -> None:
    step = np.arange(1.0, 400.0)
    found = fit_power_law(step, 5.0 - 0.01 * step, 800.0, horizon_step=800)
    assert found.refused


def test_an_unknown_future_of_the_learning_rate_is_refused() -> None:
    step = list(range(10, 2010, 10))
    rate = np.linspace(2e-4, 1e-5, 200).tolist()
    loss = (1.5 + (1 + np.array(step) / 50) ** -0.6).tolist()
    found = run_of(step, loss=loss, rate=rate).forecast
    assert found is not None
    assert "learning rate" in found.refused


def test_a_constant_rate_is_extrapolated_over_steps_to_the_planned_end() -> None:
    step = list(range(10, 2010, 10))
    loss = (1.5 + 2 * (1 + np.array(step) / 50) ** -0.6).tolist()
    found = run_of(step, loss=loss, rate=[2e-4] * 200, facts={"planned_steps": 8000.0}).forecast
    assert found is not None
    assert (found.horizon_step, found.over) == (8000, "steps")
    assert found.value == pytest.approx(1.5 + 2 * (1 + 8000 / 50) ** -0.6, abs=0.03)
