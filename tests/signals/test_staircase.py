"""Steps of the loss at epoch boundaries, and descents that are none."""

from __future__ import annotations

import numpy as np
from tests.signals.run_builder import run_of

from trainclinic.signals.measured import Measured

STEPS = 600


def run_with(levels: np.ndarray, *, epochs: int = 3, seed: int = 0, noise: float = 0.04) -> Measured:
    rng = np.random.default_rng(seed)
    step = np.arange(1, STEPS + 1)
    epoch = step * epochs / STEPS
    value = levels + noise * rng.standard_normal(STEPS)
    return run_of(step.tolist(), loss=value.tolist(), extra={"train/epoch": epoch.tolist()})


def test_three_flat_passes_show_two_drops() -> None:
    stairs = run_with(np.repeat([1.08, 0.72, 0.40], 200)).staircase
    assert stairs is not None
    assert [drop.epoch for drop in stairs.drops] == [2, 3]
    assert stairs.drops[0].step == 201
    assert abs(stairs.drops[0].drop - 0.36) < 0.05
    assert abs(stairs.steps_per_epoch - 200) < 1


def test_a_smooth_descent_shows_none() -> None:
    step = np.arange(STEPS)
    stairs = run_with(0.5 + 2 * (1 + step / 40) ** -0.6).staircase
    assert stairs is not None
    assert stairs.drops == ()


def test_a_steep_descent_through_short_passes_shows_none() -> None:
    step = np.arange(1, 61)
    value = 3.0 * np.exp(-step / 40) + 0.002 * np.random.default_rng(0).standard_normal(60)
    stairs = run_of(step.tolist(), loss=value.tolist(), extra={"train/epoch": (step / 20).tolist()}).staircase
    assert stairs is not None
    assert all(boundary.drop > 0.1 for boundary in stairs.boundaries)
    assert stairs.drops == ()


def test_flat_noise_shows_none_in_many_runs() -> None:
    found = [run_with(np.full(STEPS, 1.0), seed=k, noise=0.1).staircase for k in range(30)]
    assert sum(bool(stairs and stairs.drops) for stairs in found) == 0


def test_one_pass_has_no_boundary() -> None:
    assert run_with(np.full(STEPS, 1.0), epochs=1).staircase is None


def test_planned_epochs_stand_in_for_the_column() -> None:
    rng = np.random.default_rng(0)
    value = np.repeat([1.08, 0.72, 0.40], 200) + 0.04 * rng.standard_normal(STEPS)
    facts = {"planned_steps": 600.0, "planned_epochs": 3.0}
    stairs = run_of(list(range(1, STEPS + 1)), loss=value.tolist(), facts=facts).staircase
    assert stairs is not None
    assert len(stairs.drops) == 2
