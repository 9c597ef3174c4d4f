"""Ticks are round, inside the axis and readable; the script of the page holds the same rules."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trainclinic.report.html.axis import Axis, tick_text, value_axis


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (2000.0, "2,000"),
        (1.5e6, "1.5M"),
        (2e-5, "2e-5"),
        (1.55e-5, "1.55e-5"),
        (0.05, "0.05"),
        (6.75, "6.75"),
    ],
)
def test_ticks_read_as_short_as_they_can(value: float, shown: str) -> None:
    assert tick_text(value) == shown


def test_linear_ticks_are_round() -> None:
    assert Axis(0.0, 2500.0).ticks(7) == [0.0, 500.0, 1000.0, 1500.0, 2000.0, 2500.0]


def test_log_ticks_are_decades_over_a_wide_range() -> None:
    assert Axis(1e-3, 1e3, "log").ticks(6) == pytest.approx([1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0])


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12), st.integers(2, 9))
def test_ticks_lie_inside_and_are_few(low: float, span: float, wanted: int) -> None:
    assume(low + span > low and span > 1e-9 * abs(low))
    ticks = Axis(low, low + span).ticks(wanted)
    assert ticks
    assert len(ticks) <= 2 * wanted + 2
    assert all(low - 1e-6 * span <= tick <= low + span + 1e-6 * span for tick in ticks)


@given(st.lists(st.floats(allow_nan=True), max_size=20), st.sampled_from(["linear", "log"]))
def test_every_finite_value_has_a_place_on_the_axis(values: list[float], scale: str) -> None:
    assume(all(not math.isfinite(v) or abs(v) < 1e300 for v in values))
    axis = value_axis(values, scale)  # type: ignore[arg-type]
    for value in values:
        if math.isfinite(value):
            assert 0.0 <= axis.share(value) <= 1.0


def test_a_constant_curve_lies_in_the_middle() -> None:
    assert value_axis([0.5, 0.5], "linear").share(0.5) == pytest.approx(0.5)


def test_a_log_axis_too_narrow_for_two_ticks_of_its_own_takes_even_ones() -> None:
    assert len(Axis(0.97, 1.25, "log").ticks(3)) > 1


def test_between_two_steps_there_is_no_tick() -> None:
    assert Axis(9.5, 10.5).whole_ticks(7) == [10.0]
