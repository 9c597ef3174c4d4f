"""A log of a handful of points, or past its own plan, is shown as what it is."""

from __future__ import annotations

from dataclasses import replace

from trainclinic.report.chart import Chart, Curve, Panel
from trainclinic.report.html import svg
from trainclinic.report.model import Identity, NotEvaluatedEntry
from trainclinic.report.terminal.spark import LINE, spark
from trainclinic.report.wording import needs, planned


def _curve(count: int) -> Curve:
    return Curve("train/loss", "train", "train", tuple(range(count)), tuple(float(-i) for i in range(count)))


def test_few_points_stand_alone_and_many_make_a_line() -> None:
    assert spark(_curve(2), 0, 1, 10) == "█        ▁"
    assert " " not in spark(_curve(LINE), 0, LINE - 1, 40)


def test_a_panel_of_nothing_but_nan_has_no_scale() -> None:
    broken = replace(_curve(2), values=(float("nan"), float("nan")))
    assert "<text" not in svg.y_axis(Panel("loss", "Loss", "", "linear", (broken,)))
    assert "<text" in svg.y_axis(Panel("loss", "Loss", "", "linear", (_curve(2),)))


def test_a_single_step_lies_in_the_middle_of_its_axis() -> None:
    chart = Chart("step", 10, 10, (Panel("loss", "Loss", "", "linear", (_curve(1),)),))
    assert svg.across_axis(chart).share(10) == 0.5
    assert svg.x_axis(chart).count("<text") == 1


def test_a_plan_that_the_run_went_past_is_not_told() -> None:
    run = Identity(name="r", axis="step", last_step=300, planned_steps=200)
    assert planned(run) == ""
    assert planned(replace(run, planned_steps=400)) == " of 400 planned"


def test_what_would_show_most_comes_first() -> None:
    missing = [("nan-loss", "a"), ("loss-spike", "b"), ("loss-plateau", "b")]
    entries = [NotEvaluatedEntry("LOS205", slug, "", "loss", says) for slug, says in missing]
    assert needs(entries) == [("b", ["loss spike", "loss plateau"]), ("a", ["NaN loss"])]
