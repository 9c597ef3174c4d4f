"""Schedules recovered from learning rates: both founding reports, every shape, few digits, skipped steps, plans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.signals.report_b_figures import EVALUATIONS, PLAN, report_b
from tests.signals.run_builder import run_of

from trainclinic.record.facts import Fact
from trainclinic.record.series import Printed, make_series
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured
from trainclinic.signals.schedule import fit_schedule
from trainclinic.signals.schedule_rows import Rows, round_between, rows_of, tolerance_of
from trainclinic.signals.schedule_search import Hints, fits, significant_digits
from trainclinic.signals.schedule_shapes import Schedule

REPORT_A = {
    "step": [10, 20],
    "rate": [0.0002, 0.00019863852961198096],
    "extra": {"train/epoch": [0.02028397565922921, 0.04056795131845842]},
}
A_SCRIPT = {
    "learning_rate": 2e-4,
    "warmup_steps": 10.0,
    "micro_batch_size": 2.0,
    "accumulation_steps": 8.0,
    "planned_epochs": 3.0,
    "schedule": "linear",
}


def exact(schedule: Schedule, step: object) -> Rows:
    rows = rows_of(make_series("train/learning_rate", step, schedule.at(np.asarray(step))))
    assert rows is not None
    return rows


def key(schedule: Schedule) -> tuple[object, ...]:
    return (schedule.shape, schedule.warmup, schedule.total, round(schedule.floor, 6), round(schedule.start, 6))


@pytest.mark.parametrize("facts", [{}, PLAN], ids=["rows alone", "with the printed plan"])
def test_report_b_has_one_schedule(facts):
    fit = report_b(**facts).schedule
    assert {key(solution.schedule) for solution in fit.natural} == {("cosine", 500, 5000, 0.1, 0.1)}
    assert fit.is_unique
    assert fit.total == 5000


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 2.0000e-6),
        (25, 2.9000e-6),
        (250, 1.1000e-5),
        (500, 2.0000e-5),
        (1000, 1.9457e-5),
        (1500, 1.7894e-5),
        (2000, 1.5500e-5),
        (2500, 1.2563e-5),
        (3000, 9.4372e-6),
        (5000, 2.0000e-6),
    ],
)
def test_report_b_learning_rate_at_any_step(step, rate):
    assert float(report_b().schedule.best.at(step)) == pytest.approx(rate, rel=5e-5)


@pytest.mark.parametrize(
    ("changed", "rates"),
    [
        ({"pace": 2}, [2e-5, 1.55e-5, 9.44e-6, 4.11e-6, 2e-6]),
        ({"shape": "linear"}, None),
        ({"floor": 0.0}, None),
        ({"warmup": 250}, None),
        ({"start": 0.0}, None),
    ],
)
def test_report_b_refutes_other_schedules(changed, rates):
    best = report_b().schedule.best
    other = replace(best, **changed)
    rows = rows_of(report_b().record.series["train/learning_rate"])
    assert not fits(other, rows)
    if rates is not None:
        assert other.at(np.array([250, 1000 - 500 + 500, 1500, 2000, 2500])) == pytest.approx(rates, rel=2e-3)


@pytest.mark.parametrize("facts", [{}, A_SCRIPT], ids=["rows alone", "with the script"])
def test_report_a_ends_at_step_1479(facts):
    measured = run_of(**REPORT_A, facts=facts)
    best = measured.schedule.best
    assert key(best) == ("linear", 10, 1479, 0.0, 0.0)
    assert best.total - best.warmup == 1469
    assert best.offset == 0
    assert measured.schedule.steps_per_epoch == 493.0
    low, high = measured.schedule.solutions[0].total_range
    assert (low, high) == pytest.approx((1479.0, 1479.0), abs=5e-4)


def test_report_a_ratio_of_the_two_rates():
    first, second = REPORT_A["rate"]
    assert second / first == pytest.approx(0.99319265, abs=5e-9)
    assert 10 / (1 - second / first) == pytest.approx(1469.0, abs=5e-4)


SHAPES = [
    Schedule("linear", 2e-4, 10, 1479),
    Schedule("linear", 5e-5, 0, 215_337),
    Schedule("linear", 5e-5, 500, 4440, offset=1),
    Schedule("cosine", 2e-5, 37, 1218),
    Schedule("cosine", 3e-4, 100, 2000, floor=0.1),
    Schedule("cosine", 6e-4, 100, 5000, floor=0.1, start=1 / 101),
    Schedule("polynomial", 1e-4, 50, 3000),
    Schedule("inverse_sqrt", 5e-4, 400),
    Schedule("constant", 1e-4, 30),
    Schedule("linear", 3e-4, 100, 2000, stable_until=1600),
    Schedule("restarts", 1e-3, 0, cycle=500),
    Schedule("constant", 1e-4, 37, offset=1, rise="log"),
]


@pytest.mark.parametrize("true", SHAPES, ids=lambda s: f"{s.name}-{s.warmup}-{s.total}")
def test_exact_values_give_the_schedule_back(true):
    length = min(true.total or 3000, 215_337)
    every = max(10, length // 200)
    rows = exact(true, np.arange(every, length + 1, every))
    best = fit_schedule(rows).best
    assert best.peak == pytest.approx(true.peak)
    assert best.at(rows.step) == pytest.approx(true.at(rows.step), rel=1e-6, abs=1e-12)
    assert (best.shape, best.total) == (true.shape, true.total) or best.offset != true.offset


def test_step_decay_is_recognised_by_its_constant_factor():
    step = np.arange(100, 3001, 100)
    rate = 0.1 * 0.1 ** (step // 1000)
    best = fit_schedule(rows_of(make_series("lr", step, rate))).best
    assert best.shape == "steps"
    assert [share for _, share in best.levels] == pytest.approx([0.1, 0.01, 0.001])


def test_before_the_warmup_ends_the_total_is_unknown():
    fit = fit_schedule(exact(Schedule("cosine", 1e-4, 500, 5000), np.arange(10, 300, 10)))
    assert fit.phase == "warm-up"
    assert fit.total is None


def test_a_manual_jump_fits_no_schedule():
    step = np.arange(10, 1001, 10)
    rate = Schedule("cosine", 1e-4, 50, 1000).at(step)
    rate[60:] *= 0.5
    fit = fit_schedule(rows_of(make_series("lr", step, rate)))
    assert fit.solutions == ()
    assert fit.phase == "unknown"


@pytest.mark.parametrize("true", [Schedule("linear", 2e-4, 5, 60), Schedule("cosine", 1e-4, 0, 1190)])
def test_skipped_steps_show_as_a_growing_lag(true):
    step = np.arange(1, true.total + 1) if true.total < 100 else np.arange(10, true.total + 1, 10)
    lag = np.searchsorted([true.total // 4, true.total // 2], step, "right")
    rows = rows_of(make_series("lr", step, true.at(step - lag)))
    fit = fit_schedule(rows, Hints(totals=(true.total,)))
    assert (fit.best.shape, fit.best.total) == (true.shape, true.total)
    assert [count for _, count in fit.skipped] == [1, 2]
    assert fit.at(true.total // 4 + 10)[0] == pytest.approx(float(true.at(true.total // 4 + 9)))


def test_a_lag_that_shrinks_is_no_schedule():
    true = Schedule("linear", 2e-4, 0, 200)
    step = np.arange(1, 201)
    lag = np.where(step > 50, 3, 0) - np.where(step > 120, 2, 0)
    fit = fit_schedule(rows_of(make_series("lr", step, true.at(step - lag))), Hints(totals=(200,)))
    assert fit.solutions == ()


def test_single_precision_values_fit_within_their_error():
    true = Schedule("cosine", 3e-4, 100, 2000)
    step = np.arange(10, 2001, 10)
    rate = true.at(step).astype(np.float32).astype(np.float64)
    assert tolerance_of(make_series("lr", step, rate))[50] == pytest.approx(1e-6 * rate[50], rel=0.01)
    assert fit_schedule(rows_of(make_series("lr", step, rate))).best.total == 2000


@pytest.mark.parametrize("digits", [3, 4])
def test_few_digits_still_give_round_numbers(digits):
    step = np.arange(0, 2001, 50)
    rate = [float(f"{value:.{digits - 1}e}") for value in Schedule("cosine", 2e-4, 100, 2000).at(step)]
    series = make_series("lr", step, rate, printed=Printed("significant", digits))
    fit = fit_schedule(rows_of(series))
    assert (fit.best.shape, fit.best.warmup, fit.best.total) == ("cosine", 100, 2000)


def test_short_numbers_are_taken_as_rounded_even_where_the_reader_took_them_for_exact():
    series = make_series("lr", [1, 2, 3], [1.79e-05, 1.55e-05, 1.26e-05])
    assert tolerance_of(series) == pytest.approx([5e-8, 5e-8, 5e-8], rel=1e-2)
    assert tolerance_of(make_series("lr", [1, 2], [1.7900000001e-05, 1.55e-05])).max() < 1e-12


def test_the_version_of_the_library_decides_which_step_a_row_shows():
    true = Schedule("linear", 5e-5, 0, 500, offset=1)
    step = np.arange(10, 501, 10)
    for version, offset in (("4.44.0", 0), ("4.57.1", 1)):
        base = run_of(step, rate=true.at(step))
        versions = {"transformers": Fact("framework", version, Source("x"))}
        fit = Measured(replace(base.record, versions=versions)).schedule
        assert {solution.schedule.offset for solution in fit.solutions} <= {offset}


@pytest.mark.parametrize("rate", [[], [1e-4], [0.0, 0.0, 0.0], [np.nan] * 4])
def test_too_little_gives_nothing(rate):
    assert run_of(range(1, len(rate) + 1), rate=rate).schedule is None


def test_an_epoch_axis_gives_nothing():
    assert run_of([1, 2, 3], rate=[3e-4, 2e-4, 1e-4], axis="epoch").schedule is None


@pytest.mark.parametrize("name", ["negative", "repeated", "huge"])
def test_odd_steps_do_not_raise(name):
    step = {"negative": [-5, 0, 5, 10], "repeated": [1, 1, 1, 2], "huge": [1, 2, 2**53, 2**60]}[name]
    run_of(step, rate=[1e-4, 9e-5, 8e-5, 7e-5]).schedule  # noqa: B018


@pytest.mark.parametrize(("value", "digits"), [(500, 1), (5300, 2), (5025, 4), (2.5e-4, 2), (1e-5, 1), (0, 1)])
def test_significant_digits(value, digits):
    assert significant_digits(value) == digits


def test_round_numbers_between():
    assert round_between(4995.3, 5027.8).tolist() == [5000, 5025]


STEP = np.arange(10, 501, 10)


def plan_of(true: Schedule, step: object = STEP, /, **facts: object):
    return run_of(step, rate=true.at(np.asarray(step)), facts=facts).schedule_plan


def test_plan_is_followed():
    check = plan_of(
        Schedule("cosine", 2e-4, 50, 500), learning_rate=2e-4, planned_steps=500.0, warmup_steps=50.0, schedule="cosine"
    )
    assert set(check.compared) == {"peak", "end", "shape", "warm-up"}
    assert check.differs == ()


def test_report_b_follows_its_plan():
    assert report_b(**PLAN).schedule_plan.differs == ()


@pytest.mark.parametrize("pace", [2, 4, 8])
def test_a_scheduler_that_runs_too_fast_is_told_with_its_factor(pace):
    step = np.arange(10, 1001, 10)
    check = plan_of(Schedule("linear", 1e-4, 0, 1000, pace=pace), step, planned_steps=1000.0, learning_rate=1e-4)
    assert check.differs == ("end",)
    assert (check.pace, check.end) == (pace, 1000 // pace)


def test_an_end_computed_without_accumulation_is_too_late_by_that_factor():
    check = plan_of(Schedule("linear", 1e-4, 0, 3896), np.arange(10, 481, 10), planned_steps=487.0)
    assert check.differs == ("end",)
    assert (check.stretch, check.pace, check.end) == (8, 1, 3896)


@pytest.mark.parametrize(
    ("facts", "differs"),
    [
        ({"learning_rate": 1e-4}, ("peak",)),
        ({"planned_steps": 4000.0}, ("end",)),
        ({"schedule": "linear"}, ("shape",)),
        ({"schedule": "SchedulerType.COSINE"}, ()),
        ({"warmup_steps": 10.0}, ("warm-up",)),
        ({"warmup_ratio": 0.1, "planned_steps": 500.0}, ()),
    ],
)
def test_each_departure_from_the_plan(facts, differs):
    assert plan_of(Schedule("cosine", 2e-4, 50, 500), **facts).differs == differs


def test_a_warmup_longer_than_the_run_is_told():
    check = plan_of(Schedule("linear", 2e-4, 5000, 50_000), planned_steps=500.0)
    assert check.unfinished_warmup


def test_nothing_configured_is_nothing_compared():
    assert plan_of(Schedule("cosine", 2e-4, 50, 500)).compared == ()


def test_evaluation_rows_are_those_of_the_report():
    assert [row[0] for row in EVALUATIONS] == [0, 500, 1000, 1500, 2000, 2500]
