"""The learning rate on both sides of a resume."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.run_builder import run_of

from trainclinic.record.parts import Event
from trainclinic.record.source import Source

MESSAGE = Event("resume", "Resuming training from checkpoint-60", Source("train.log", 6), step=60)
DOWN = [9e-5, 8e-5, 7e-5, 6e-5, 5e-5, 4e-5]


@pytest.mark.parametrize(
    ("later", "change"),
    [
        ([3e-5, 2e-5, 1e-5], "goes-on"),
        ([9e-5, 8e-5, 7e-5], "back-up"),
        ([1e-6, 2e-6, 3e-6], "warm-up-again"),
        ([0.0, 0.0, 0.0], "zero"),
    ],
)
def test_the_next_rate_tells_what_the_schedule_did(later: list[float], change: str) -> None:
    run = run_of(range(10, 100, 10), loss=[2.0] * 9, rate=[*DOWN, *later], events=[MESSAGE])
    assert run.resume_rates is not None
    assert [rate.change for rate in run.resume_rates] == [change]


def test_a_resume_that_goes_back_is_compared_with_the_same_step_of_the_first_pass() -> None:
    step = np.concatenate((np.arange(10, 101, 10), np.arange(60, 151, 10)))
    run = run_of(step, loss=2.0 + 0.001 * np.arange(step.size), rate=1e-4 * (1 - step / 200))
    assert run.resume_rates is not None
    (found,) = run.resume_rates
    assert (found.change, found.before) == ("goes-on", pytest.approx(found.after))


def test_a_log_without_steps_goes_back_by_its_epochs() -> None:
    epoch = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.4, 0.5, 0.6]
    rate = [1e-4 * (1 - at) for at in epoch]
    run = run_of(range(1, 10), axis="row", loss=[2.0] * 9, rate=rate, extra={"train/epoch": epoch}, events=[MESSAGE])
    assert run.resume_rates is not None
    assert [found.change for found in run.resume_rates] == ["goes-on"]


def test_without_a_resume_there_is_nothing_to_compare() -> None:
    assert run_of([10, 20, 30], loss=[2.0] * 3, rate=DOWN[:3]).resume_rates is None
