"""Repeated patterns of the loss."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.run_builder import run_of

from trainclinic.signals.periodicity import Periodicity


def found_in(value: np.ndarray, every: int = 5) -> Periodicity | None:
    return run_of(list(range(0, every * value.size, every)), loss=value.tolist()).periodicity


def test_a_sine_is_found_with_its_period_and_height() -> None:
    rng = np.random.default_rng(0)
    value = 1.5 + 0.1 * np.sin(np.arange(1000) * 2 * np.pi / 50) + 0.05 * rng.standard_normal(1000)
    found = found_in(value)
    assert found is not None
    assert found.period_rows == pytest.approx(50, abs=1)
    assert found.period_steps == pytest.approx(250, abs=5)
    assert found.height == pytest.approx(0.2, abs=0.03)


def test_rows_in_the_same_order_every_pass_are_found() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal(28)
    value = np.linspace(1.4, 0.8, 140) + 0.3 * np.tile(rows, 5) + 0.02 * rng.standard_normal(140)
    found = found_in(value)
    assert found is not None
    assert found.period_rows == 28


def test_correlated_noise_has_no_period() -> None:
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(300)
        for i in range(1, 300):
            noise[i] += 0.3 * noise[i - 1]
        hits += found_in(1 + 2 * np.exp(-np.arange(300) / 50) + 0.1 * noise) is not None
    assert hits <= 1


def test_fewer_than_sixty_rows_are_not_searched() -> None:
    assert found_in(1 + np.sin(np.arange(59))) is None
