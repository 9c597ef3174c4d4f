"""Laws of a series: what an overlap leaves of the history, and which row speaks for a step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.record.series import Printed, make_series, number_segments


def test_after_an_overlap_the_later_pass_wins() -> None:
    series = make_series("train/loss", [10, 20, 30, 40, 20, 30], [4.0, 3.0, 2.0, 1.0, 3.5, 2.5])
    final = series.final()
    assert final.step.tolist() == [10, 20, 30]
    assert final.value.tolist() == [4.0, 3.5, 2.5]
    assert len(series) == 6


def test_a_later_pass_that_begins_higher_does_not_bring_an_undone_one_back() -> None:
    series = make_series("train/loss", [10, 20, 30, 40, 20, 30, 40, 30, 40], np.arange(9.0))
    assert series.final().value.tolist() == [0.0, 4.0, 7.0, 8.0]
    deeper = make_series("train/loss", [10, 20, 30, 40, 50, 10, 20, 20, 30], np.arange(9.0))
    assert deeper.final().value.tolist() == [5.0, 7.0, 8.0]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=6))
def test_the_final_history_ascends_and_its_steps_come_from_their_last_pass(passes: list[tuple[int, int]]) -> None:
    steps = [step for begin, length in passes for step in range(begin, begin + length)]
    final = make_series("x", steps, np.arange(len(steps))).final()
    assert (np.diff(final.step) > 0).all()
    assert final.value[-1] == max(row for row, step in enumerate(steps) if step == final.step[-1])


@pytest.mark.parametrize(
    ("steps", "segments"),
    [
        ([1, 2, 3], [0, 0, 0]),
        ([4, 5, 6, 1, 2, 3], [0] * 6),
        ([1, 2, 3, 4, 3, 4, 5], [0, 0, 0, 0, 1, 1, 1]),
        ([9, 7, 8, 2, 4, 1, 3], [0] * 7),
        ([3, 2, 1, 3, 2, 1], [0, 0, 0, 1, 1, 1]),
        ([10, 20, 40, 30, 50, 60, 70], [0] * 7),
        ([10, 20, 30, 40, 50, 35, 45, 55, 65], [0] * 5 + [1] * 4),
        ([], []),
    ],
)
def test_only_covered_ground_begins_a_new_pass(steps: list[int], segments: list[int]) -> None:
    assert number_segments(np.asarray(steps, dtype=np.int64)).tolist() == segments


def test_the_last_row_of_a_step_speaks_for_it() -> None:
    series = make_series("x", [10, 20, 10, 20], [1.0, 2.0, 3.0, 4.0], line=[1, 2, 3, 4])
    assert series.at(20) == 4.0
    assert series.source_at(10).line == 3  # type: ignore[union-attr]
    assert series.at(15) is None


def test_infinite_rows_are_not_finite() -> None:
    assert make_series("x", [1, 2, 3, 4], [1.0, np.inf, -np.inf, np.nan]).finite().step.tolist() == [1]


@pytest.mark.parametrize(
    ("printed", "half"),
    [
        (Printed("fixed", 4), [5e-5, 5e-5]),
        (Printed("significant", 3), [5e-3, 5e-5]),
        (Printed("float32"), [2.5 * 2.0**-24, 0.025 * 2.0**-24]),
        (Printed(), [0.0, 0.0]),
    ],
)
def test_half_a_unit_of_the_last_digit(printed: Printed, half: list[float]) -> None:
    assert printed.half_unit(np.array([2.5, 0.025])).tolist() == pytest.approx(half)
