"""Slope with an honest error, plateaus, bends and levels."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.report_b_runs import AFTER_THE_FIX, DOUBLE_SHIFT_LORA, FULL_FINE_TUNE, GPT2, WOBBLING
from tests.signals.run_builder import run_of

from trainclinic.signals.binning import lag_one, log_bins, noise_sd
from trainclinic.signals.change_points import bends
from trainclinic.signals.plateau_place import place_plateau
from trainclinic.signals.slope import ess_slope, quantile_t, tail_t
from trainclinic.signals.trend import Trend


def ar1(seed: int, size: int, phi: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(size)
    for i in range(1, size):
        noise[i] = phi * noise[i - 1] + noise[i] * np.sqrt(1 - phi**2)
    return noise


def rejections(size: int, phi: float, drop: float, repeats: int) -> float:
    step = np.arange(float(size))
    found = [ess_slope(step, ar1(k, size, phi) - drop * step / size) for k in range(repeats)]
    return float(np.mean([slope is not None and slope.p_falling < 0.05 for slope in found]))


def trend_of(rows: dict[str, list[float]]) -> Trend:
    found = run_of(facts=GPT2, **rows).trend  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("freedom", "t", "p"), [(2, 2.920, 0.05), (5, 2.015, 0.05), (10, 1.812, 0.05), (30, 1.697, 0.05)]
)
def test_tail_of_student(freedom: float, t: float, p: float) -> None:
    assert tail_t(t, freedom) == pytest.approx(p, abs=0.004)
    assert tail_t(-t, freedom) == pytest.approx(1 - p, abs=0.004)
    assert quantile_t(1 - p, freedom) == pytest.approx(t, rel=0.06)


def test_the_slope_test_keeps_its_size_on_correlated_noise() -> None:
    assert 0.03 <= rejections(100, 0.5, 0.0, 300) <= 0.10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "phi", "power"), [(30, 0.5, 0.30), (100, 0.5, 0.70), (100, 0.8, 0.33), (300, 0.8, 0.70)]
)
def test_size_and_power_of_the_slope_test(size: int, phi: float, power: float) -> None:
    assert 0.03 <= rejections(size, phi, 0.0, 1000) <= 0.10
    assert rejections(size, phi, 1.5, 1000) > power


def test_fewer_than_twelve_rows_have_no_slope() -> None:
    assert ess_slope(np.arange(11.0), np.arange(11.0)) is None


def test_noise_is_not_widened_by_a_trend() -> None:
    rng = np.random.default_rng(0)
    assert noise_sd(np.linspace(9, 1, 4000) + 0.1 * rng.standard_normal(4000)) == pytest.approx(0.1, rel=0.05)


def test_lag_one_correlation_is_corrected_for_short_series() -> None:
    found = [lag_one(ar1(k, 100, 0.5)) for k in range(200)]
    assert float(np.mean(found)) == pytest.approx(0.5, abs=0.04)


def test_report_b_stands_on_a_plateau_from_step_1000_without_its_spike() -> None:
    plateau = trend_of(DOUBLE_SHIFT_LORA).plateau
    assert plateau is not None
    assert plateau.start_step == 1000
    assert plateau.level == pytest.approx(6.625, abs=0.03)
    assert plateau.share == pytest.approx(0.6)


def test_the_plateau_of_report_b_is_placed_at_word_frequencies() -> None:
    run = run_of(facts=GPT2, **DOUBLE_SHIFT_LORA)  # type: ignore[arg-type]
    assert run.trend is not None
    assert run.trend.plateau is not None
    assert place_plateau(run, run.trend.plateau).place == "typical-unigram"


def test_a_wobbling_run_without_gain_stands_on_a_plateau() -> None:
    plateau = trend_of(WOBBLING).plateau
    assert plateau is not None
    assert plateau.start_step == 500


@pytest.mark.parametrize("rows", [AFTER_THE_FIX, FULL_FINE_TUNE])
def test_four_falling_rows_are_no_plateau(rows: dict[str, list[float]]) -> None:
    assert trend_of(rows).plateau is None


def test_flat_after_a_descent_is_a_plateau_with_its_start() -> None:
    step = np.arange(3000)
    rng = np.random.default_rng(1)
    value = 6.6 + 2.5 * np.exp(-step / 100) + 0.1 * rng.standard_normal(3000)
    found = run_of(step.tolist(), loss=value.tolist()).trend
    assert found is not None
    assert found.plateau is not None
    assert found.plateau.level == pytest.approx(6.6, abs=0.02)
    assert 200 < found.plateau.start_step < 600
    assert found.end == "flat"


def test_a_power_law_that_still_gains_is_no_plateau() -> None:
    step = np.arange(400)
    rng = np.random.default_rng(1)
    value = 1.2 + 2.0 * (1 + step / 60) ** -0.5 + 0.03 * rng.standard_normal(400)
    found = run_of(step.tolist(), loss=value.tolist()).trend
    assert found is not None
    assert found.plateau is None
    assert found.end == "falling"


def test_strong_noise_leaves_the_end_undetermined() -> None:
    rng = np.random.default_rng(1)
    found = run_of(list(range(60)), loss=(2.0 + 0.6 * rng.standard_normal(60)).tolist()).trend
    assert found is not None
    assert found.end == "undetermined"
    assert found.slope is not None
    assert found.slope.detectable > 0


def test_a_straight_line_in_log_step_has_no_bend() -> None:
    step = np.arange(1, 2001)
    rng = np.random.default_rng(2)
    value = 5.0 - 0.4 * np.log(step) + 0.02 * rng.standard_normal(2000)
    assert bends(log_bins(step, value, 60)) == ()


def test_a_stop_of_the_descent_is_a_bend() -> None:
    step = np.arange(1, 2001)
    rng = np.random.default_rng(2)
    value = 5.0 - 0.4 * np.log(np.minimum(step, 400)) + 0.02 * rng.standard_normal(2000)
    found = bends(log_bins(step, value, 60))
    assert found
    assert min(abs(np.log(at / 400)) for at in found) < 0.35


def test_an_evaluation_only_log_is_described_by_its_evaluations() -> None:
    found = run_of([0, 500, 1000, 1500], eval=[4.0, 3.0, 2.5, 2.4]).trend
    assert found is not None
    assert found.series == "eval/loss"
