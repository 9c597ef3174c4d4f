"""What the rest of a plan can still bring."""

from __future__ import annotations

import numpy as np
import pytest

from trainclinic.record.facts import Fact, Facts
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured
from trainclinic.signals.remaining import remaining_of
from trainclinic.signals.trend import Plateau

PLATEAU = Plateau(
    level=6.6, spread=0.02, start_step=1000, end_step=2000, share=0.5, points=60, gain=0.05, gain_bound=0.1, fall=2.0
)


def run(planned: float | None = 4000.0, rates: bool = True) -> Measured:
    steps = np.arange(0, 2010, 10)
    series = (
        {"train/learning_rate": make_series("train/learning_rate", steps, 1e-4 * (1 - steps / 4000))} if rates else {}
    )
    facts = [Fact("planned_steps", planned, Source("log", 1), "printed")] if planned else []
    return Measured(RunRecord(name="run", series=series, facts=Facts(facts)))


def test_a_linear_schedule_is_summed() -> None:
    rest = remaining_of(run(), PLATEAU)
    assert rest is not None
    assert (rest.planned, rest.steps) == (4000, 2000)
    assert rest.rate_left == pytest.approx(0.25, abs=1e-3)  # the triangle over the last half
    assert rest.gain_bound == pytest.approx(0.1 * 0.5 / 0.625, rel=0.01)  # sums of 1 - s/T over 2000-4000 and 1000-2000


def test_without_rates_the_steps_are_the_currency() -> None:
    rest = remaining_of(run(rates=False), PLATEAU)
    assert rest is not None
    assert rest.rate_left is None
    assert rest.gain_bound == pytest.approx(0.2)


def test_a_rising_plateau_brings_nothing() -> None:
    rising = Plateau(6.6, 0.02, 1000, 2000, 0.5, 60, -0.3, -0.1, 2.0)
    rest = remaining_of(run(), rising)
    assert rest is not None
    assert rest.gain_bound == 0.0


@pytest.mark.parametrize("planned", [None, 2000.0])
def test_a_plan_that_is_over_or_unknown_has_no_rest(planned: float | None) -> None:
    assert remaining_of(run(planned, rates=False), PLATEAU) is None
