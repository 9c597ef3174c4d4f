"""The extra drop of the loss when a constant rate decays."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.run_builder import run_of

STEP = np.arange(100, 20001, 100)
STABLE = 6e-4 * np.minimum(np.minimum(STEP / 500, 1), np.maximum(20000 - STEP, 0) / 4000)
CURVE = 3.3 + 3.0 * np.exp(-STEP / 3000)


@pytest.mark.parametrize("drop", [0.0, 0.25])
def test_the_drop_is_measured_against_the_line_before_it(drop: float) -> None:
    loss = CURVE - drop * np.clip((STEP - 16000) / 4000, 0, 1)
    phase = run_of(STEP, loss=loss, rate=STABLE).decay_phase
    assert phase is not None
    assert (phase.begin_step, phase.share) == (16100, pytest.approx(0.2))
    assert phase.extra == pytest.approx(0.9 * drop, abs=0.04)


@pytest.mark.parametrize(
    "rate",
    [
        3e-4 * (1 + np.cos(np.pi * STEP / 20000)),
        6e-4 * (1 - STEP / 20000),
        np.full(STEP.size, 6e-4),
        np.where(STEP > 16000, 7e-4, 6e-4),
    ],
    ids=["cosine", "linear", "constant", "raised"],
)
def test_schedules_without_both_phases_have_none(rate: np.ndarray) -> None:
    assert run_of(STEP, loss=CURVE, rate=rate).decay_phase is None
