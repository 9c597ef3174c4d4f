"""Reduction to pixel columns keeps what a reader looks for."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.report.sections.reduction import gaps_of, reduce_rows


def test_a_single_spike_survives_at_its_true_height_and_step() -> None:
    value = np.ones(100_000)
    value[61_803] = 9.5
    step = np.arange(100_000)
    rows = reduce_rows(step, value, 0, 99_999, 900)
    assert rows.size <= 2 * 900 + 2
    assert step[rows][value[rows].argmax()] == 61_803


def test_each_column_keeps_its_minimum_and_its_maximum() -> None:
    rng = np.random.default_rng(1)
    value, step = rng.normal(size=10_000), np.arange(10_000)
    kept = set(reduce_rows(step, value, 0, 9_999, 100).tolist())
    for begin in range(0, 10_000, 100):
        part = value[begin : begin + 100]
        assert begin + int(part.argmin()) in kept
        assert begin + int(part.argmax()) in kept


def test_marked_steps_are_always_kept() -> None:
    step = np.arange(50_000)
    rows = reduce_rows(step, np.sin(step / 9000.0), 0, 49_999, 100, np.array([12_345]))
    assert 12_345 in step[rows]


def test_a_lone_nan_still_breaks_the_line() -> None:
    value = np.ones(50_000)
    value[777] = math.nan
    rows = reduce_rows(np.arange(50_000), value, 0, 49_999, 100)
    assert 777 in rows


@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=400), st.integers(1, 40))
def test_any_values_reduce_to_ascending_rows_with_the_extremes(values: list[float], columns: int) -> None:
    value = np.asarray(values)
    rows = reduce_rows(np.arange(value.size), value, 0, max(1, value.size - 1), columns)
    assert (np.diff(rows) > 0).all()
    finite = value[np.isfinite(value)]
    if finite.size:
        assert finite.max() == np.max(value[rows][np.isfinite(value[rows])])
        assert finite.min() == np.min(value[rows][np.isfinite(value[rows])])


def test_gaps_name_what_stands_in_them_and_close_ones_are_one() -> None:
    value = np.array([1.0, math.nan, math.nan, 1.0, math.inf, 1.0, 1.0, 1.0, 1.0, math.nan])
    near, far = gaps_of(np.arange(10), value, 2.0)
    assert (near.first_step, near.last_step, near.label) == (1.0, 4.0, "NaN")
    assert (far.first_step, far.last_step) == (9.0, 9.0)
