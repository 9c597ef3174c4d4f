"""Patterns of the gradient norm, one property at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.signals.run_builder import run_of

from trainclinic.record.series import Printed, make_series
from trainclinic.signals.gradient_growth import constant_stretch
from trainclinic.signals.gradients import Gradients, loss_change, stretch
from trainclinic.signals.measured import Measured

NAN, INF = math.nan, math.inf


def gradients(*args: object, **more: object) -> Gradients:
    found = run_of(*args, **more).gradients  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("mask", "pattern", "first", "begins"),
    [
        ([0, 0, 0], "none", -1, -1),
        ([1, 1, 1], "every row", 0, 0),
        ([0, 1, 1], "to the end", 1, 1),
        ([1, 0, 1, 1], "to the end", 0, 2),
        ([0, 1, 0], "recovers", 1, -1),
        ([0, 0, 1], "recovers", 2, 2),
    ],
)
def test_a_stretch_tells_events_from_states(mask: list[int], pattern: str, first: int, begins: int) -> None:
    found = stretch(np.array(mask, dtype=bool))
    assert (found.pattern, found.first, found.begins) == (pattern, first, begins)
    assert found.rows == sum(mask)


def test_zeros_at_learning_rate_0_are_not_counted() -> None:
    found = gradients([1, 2, 3], norm=[0.0, 0.0, 1.0], rate=[0.0, 1e-5, 1e-5])
    assert (found.zero.rows, found.zero.first) == (1, 1)


def test_a_norm_that_rounds_to_0_is_no_exact_zero() -> None:
    series = make_series(
        "train/grad_norm", range(6), [0.003, 0.0, 0.002, 0.0, 0.001, 0.002], printed=Printed("fixed", 3)
    )
    run = run_of(range(6), loss=[2.0] * 6).record
    found = Measured(type(run)("run", series={"train/grad_norm": series})).gradients
    assert found is not None
    assert found.zero.rows == 0


def test_a_scaler_that_skips_leaves_the_learning_rate_where_it_was() -> None:
    rate = [1e-4, 9e-5, 8e-5, 8e-5, 7e-5, 6e-5, 5e-5, 4e-5]
    norm = [0.7, 0.7, 0.8, INF, 0.6, 0.7, 0.7, 0.8]
    assert gradients(range(1, 9), norm=norm, rate=rate).skipped_rows == 1
    assert gradients(range(1, 9), norm=norm, rate=[1e-4] * 8).skipped_rows == 0, "a constant rate shows nothing"
    assert gradients(range(10, 90, 10), norm=norm, rate=rate).skipped_rows == 0, "rows of ten steps show nothing"


def test_the_constant_norm_needs_rows_and_digits() -> None:
    assert gradients(range(3), norm=[1.4142135623730951] * 3).sentinel == 2
    assert gradients(range(2), norm=[1.4142135623730951] * 2).constant is None
    assert gradients(range(4), norm=[0.7, 0.31, 0.31, 0.31]).constant_from == 1
    assert gradients(range(3), norm=[0.0] * 3).constant is None
    assert gradients(range(3), norm=[NAN] * 3).constant is None


def test_the_clipped_share_counts_finite_rows_above_the_limit() -> None:
    found = gradients(range(4), norm=[0.5, 2.0, 3.0, NAN], facts={"max_grad_norm": 1.0})
    assert found.clipped == pytest.approx(2 / 3)
    assert gradients(range(4), norm=[0.5, 2.0, 3.0, NAN]).clipped is None


def test_the_loss_change_leaves_zeros_and_nan_out() -> None:
    run = run_of(range(6), loss=[2.0, NAN, 2.0, 1.0, 0.0, 1.0])
    assert loss_change(run.train_loss) == pytest.approx(-0.5)
    assert loss_change(None) is None


def test_the_constant_stretch_is_the_part_around_the_peak() -> None:
    rate = np.concatenate((np.linspace(0, 1, 11), np.linspace(1, 0, 21)))
    begin, end = constant_stretch(rate)
    assert rate[begin:end].min() >= 1 / 1.5
    assert rate[begin - 1] < 1 / 1.5
    assert rate[end] < 1 / 1.5
    assert constant_stretch(np.array([NAN, 1.0])) == (0, 0)


def growing(slope: float, loss_end: float, rate: np.ndarray | None = None) -> Gradients:
    step = np.arange(10, 1010, 10)
    rng = np.random.default_rng(0)
    return gradients(
        step.tolist(),
        norm=(0.5 * (step / 10) ** slope * np.exp(rng.normal(0, 0.2, 100))).tolist(),
        rate=(np.full(100, 2e-4) if rate is None else rate).tolist(),
        loss=np.linspace(2.0, loss_end, 100).tolist(),
    )


@pytest.mark.parametrize("slope", [-0.3, 0.0, 0.3, 0.8])
def test_growth_recovers_the_exponent_of_a_power_law(slope: float) -> None:
    found = growing(slope, 2.0).growth
    assert found is not None
    assert found.slope == pytest.approx(slope, abs=0.08)
    assert found.loss_change == pytest.approx(0.0)


def test_growth_is_not_judged_while_the_rate_decays_or_with_few_rows() -> None:
    decay = 2e-4 * 0.9 ** np.arange(100)
    assert growing(0.8, 2.0, decay).growth is None
    short = gradients(range(1, 21), norm=np.arange(1.0, 21).tolist(), rate=[1e-4] * 20, loss=[2.0] * 20)
    assert short.growth is None


def test_noise_alone_does_not_grow() -> None:
    """Operating point: 300 flat runs with heavy-tailed norms, no slope above the threshold of the rule."""
    rng = np.random.default_rng(1)
    step = np.arange(1, 201)
    slopes = []
    for _ in range(300):
        norm = np.exp(0.4 * rng.standard_t(4, 200))
        found = gradients(step.tolist(), norm=norm.tolist(), rate=[1e-4] * 200, loss=[2.0] * 200).growth
        assert found is not None
        slopes.append(found.slope * (found.monotone > 0.7))
    assert max(slopes) < 0.5
