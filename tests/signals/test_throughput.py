"""Speed: the figures of report B, and synthetic clocks of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.report_b_figures import report_b

from trainclinic.record.facts import Fact, Facts
from trainclinic.record.parts import Checkpoint
from trainclinic.record.run import RunRecord
from trainclinic.record.series import Printed, Series, make_series
from trainclinic.record.source import Source
from trainclinic.signals.checkpoint_clock import checkpoint_times
from trainclinic.signals.elapsed_time import clock_of
from trainclinic.signals.measured import Measured
from trainclinic.signals.throughput_trend import mann_kendall


def series(name: str, step: object, value: object, digits: int = 1, unit: str = "s") -> Series:
    return make_series(name, step, np.round(value, digits), unit=unit, printed=Printed("fixed", digits))


def run(*columns: Series, **facts: float) -> Measured:
    known = Facts(Fact(name, value, Source("x")) for name, value in facts.items())
    return Measured(RunRecord("r", {column.name: column for column in columns}, known))


def steady(n: int = 200, pace: float = 0.5, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    step = np.arange(1, n + 1) * 10
    rng = np.random.default_rng(0)
    return step, np.cumsum(10 * pace * (1 + noise * rng.standard_normal(n)))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (25, 475, (1.131, 1.130, 1.132)),
        (2000, 2325, (0.910, 0.904, 0.917)),
        (2375, 2500, (1.016, 1.002, 1.031)),
        (2375, 2550, (1.051, 1.021, 1.082)),
        (0, 500, (1.079, 1.079, 1.079)),
        (500, 1000, (1.0103, 1.0101, 1.0105)),
        (1000, 1500, (0.922, 0.922, 0.922)),
        (1500, 2000, (0.8604, 0.8603, 0.8606)),
        (2000, 2500, (0.2567, 0.2567, 0.2567)),
    ],
)
def test_report_b_speeds_between_steps(first, last, expected):
    clock = clock_of(report_b())
    assert clock.speed_between(first, last) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(
    ("step", "seconds", "error"), [(2325, 2456.2, 2.6), (2350, 3400.0, 2.7), (2375, 3923.9, 1.8), (2400, 3948.9, 2.8)]
)
def test_report_b_elapsed_time_comes_from_mean_speed_and_remaining_time(step, seconds, error):
    clock = clock_of(report_b())
    row = int(np.searchsorted(clock.step, step))
    assert clock.middle[row] == pytest.approx(seconds, abs=0.1)
    assert clock.error[row] == pytest.approx(error, abs=0.1)


def test_report_b_median_and_spread_over_all_windows():
    pace = report_b().throughput.windows.per_step
    assert np.median(pace) == pytest.approx(0.988, abs=5e-4)
    assert report_b().throughput.spread == pytest.approx(0.125, abs=5e-4)


def test_report_b_has_one_stall_of_two_windows():
    (stall,) = report_b().throughput.stalls
    assert (stall.begin, stall.end, stall.windows, stall.recovered) == (2325, 2375, 2, True)
    assert stall.lost == pytest.approx(1418, abs=10)
    assert stall.error < 10


def test_report_b_drifts_before_the_stall_and_does_not_change_level():
    speed = report_b().throughput
    assert speed.change is None
    assert (speed.drift.begin, speed.drift.end) == (25, 2325)
    assert speed.drift.change == pytest.approx(-0.23, abs=0.02)
    assert speed.drift.p_value < 1e-4


def test_report_b_printed_speed_is_a_mean_and_too_low():
    speed = report_b().throughput
    assert speed.speed_kind == "cumulative"
    assert speed.recent_speed == pytest.approx(1.05, abs=0.02)
    assert speed.bias == pytest.approx(1.69, abs=0.03)
    assert speed.remaining_seconds == pytest.approx(2450 / 1.045, rel=0.01)


def test_report_b_evaluations_are_overhead():
    overhead = report_b().throughput.overhead
    assert overhead.count == 5
    assert 15 < overhead.seconds < 30


def test_steady_clock_shows_nothing():
    step, seconds = steady()
    speed = run(series("time/elapsed", step, seconds)).throughput
    assert speed.stalls == ()
    assert speed.periodic is None
    assert abs(speed.drift.change) < 0.02
    assert speed.seconds_per_step == pytest.approx(0.5, rel=0.01)


def test_a_pause_at_the_end_is_a_stall_that_has_not_recovered():
    step, seconds = steady()
    seconds[-1] += 300
    (stall,) = run(series("time/elapsed", step, seconds)).throughput.stalls
    assert not stall.recovered
    assert stall.lost == pytest.approx(300, abs=2)


def test_a_slow_stretch_of_many_windows_is_a_change_and_no_stall():
    step, _ = steady()
    pace = np.where(np.arange(200) < 120, 5.0, 9.0)
    speed = run(series("time/elapsed", step, np.cumsum(pace))).throughput
    assert speed.stalls == ()
    assert speed.change.step == pytest.approx(1210, abs=60)
    assert speed.change.change == pytest.approx(5 / 9 - 1, abs=0.05)


def test_a_slow_drift_is_no_change():
    step, _ = steady()
    speed = run(series("time/elapsed", step, np.cumsum(5 * np.exp(np.linspace(0, 0.4, 200))))).throughput
    assert speed.change is None
    assert speed.drift.change == pytest.approx(np.exp(-0.32) - 1, abs=0.02)


def test_slow_windows_at_equal_distances_are_periodic():
    step, _ = steady()
    pace = np.where(np.arange(1, 201) % 40 == 0, 50.0, 5.0)
    speed = run(series("time/elapsed", step, np.cumsum(pace))).throughput
    assert speed.periodic.period == 400
    assert speed.stalls == ()


def test_slow_windows_at_evaluations_are_overhead_and_not_periodic():
    step, _ = steady()
    pace = np.where(np.arange(1, 201) % 40 == 0, 50.0, 5.0)
    losses = make_series("eval/loss", np.arange(400, 2001, 400), np.ones(5))
    speed = run(series("time/elapsed", step, np.cumsum(pace)), losses).throughput
    assert speed.periodic is None
    assert speed.overhead.seconds == pytest.approx(45, abs=1)


def test_noisy_speed_of_the_moment_is_not_taken_for_a_mean():
    step = np.arange(1, 101) * 10
    value = 2 + 0.3 * np.random.default_rng(1).standard_normal(100)
    measured = run(series("speed/steps_per_second", step, value, 3, "steps/s"))
    assert clock_of(measured) is None
    assert measured.throughput.seconds_per_step == pytest.approx(0.5, rel=0.05)


def test_mean_speed_alone_gives_a_clock():
    step, seconds = steady()
    clock = clock_of(run(series("speed/steps_per_second", step, step / seconds, 4, "steps/s")))
    assert clock.speed_kind == "cumulative"
    assert clock.middle[100] == pytest.approx(seconds[100], rel=1e-3)


def test_few_rows_of_speed_stay_unclear():
    measured = run(series("speed/steps_per_second", [1, 2, 3, 4, 5, 6], [1.19, 1.17, 1.14, 1.11, 1.08, 1.05], 2))
    assert clock_of(measured) is None
    assert measured.throughput.windows.series == "speed/steps_per_second"


def test_elapsed_time_that_starts_again_is_joined():
    step, seconds = steady(40)
    seconds[20:] -= seconds[19]
    clock = clock_of(run(series("time/elapsed", step, seconds)))
    assert clock.middle[-1] == pytest.approx(200, rel=0.05)


def test_durations_of_single_steps_count_the_step_alone():
    step = np.arange(0, 1000, 10)
    value = np.where(step == 500, 9000.0, 400.0)
    measured = run(series("speed/seconds_per_step", step, value, 2, "ms"))
    (stall,) = measured.throughput.stalls
    assert stall.lost == pytest.approx(8.6, abs=0.01)
    assert not measured.throughput.windows.covers_all


NAMES = {
    500: "11222025_111021",
    1000: "11222025_111836",
    1500: "11222025_112739",
    2000: "11222025_113720",
    2500: "11222025_120947",
}


def test_checkpoint_names_are_a_clock_of_last_resort():
    saved = tuple(Checkpoint(step, f"ckpt_step{step:06}_{name}.pt", Source("x")) for step, name in NAMES.items())
    losses = make_series("train/loss", [0, 500], [9.2, 6.9])
    record = RunRecord("r", {"train/loss": losses}, checkpoints=saved)
    clock = clock_of(Measured(record))
    assert clock.sources == ("checkpoints",)
    assert np.diff(clock.middle) == pytest.approx([495, 543, 581, 1947], abs=1)
    (stall,) = Measured(record).throughput.stalls
    assert (stall.begin, stall.end) == (2000, 2500)


@pytest.mark.parametrize("name", ["20251122_111021", "2025-11-22", "99999999_999999", "11222025_111021"])
def test_names_without_growing_times_are_no_clock(name):
    assert [step for step, _ in checkpoint_times([(500, name), (1000, name)])] == []


def test_no_time_information_gives_nothing():
    assert run(series("train/loss", [1, 2, 3, 4], [1, 1, 1, 1])).throughput is None


def test_epoch_axis_gives_nothing():
    step, seconds = steady()
    column = series("time/elapsed", step, seconds)
    assert Measured(RunRecord("r", {column.name: column}, axis="epoch")).throughput is None


def test_trend_test_keeps_its_size_on_autocorrelated_noise():
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(200):
        noise = rng.standard_normal(100)
        for i in range(1, 100):
            noise[i] += 0.5 * noise[i - 1]
        alarms += mann_kendall(noise, noise - noise.mean()) < 0.05
    assert 0.01 < alarms / 200 < 0.12
