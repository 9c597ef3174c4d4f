"""Readings of an exact zero, by what stands beside it."""

from __future__ import annotations

import math

import pytest
from tests.signals.run_builder import run_of

NAN = math.nan
ZEROS = [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("columns", "extra", "reading"),
    [
        ({"norm": [NAN, NAN, NAN]}, {}, "hidden-nan"),
        ({"norm": [0.0, 0.0, 0.0]}, {}, "no-target"),
        ({"norm": [2**0.5] * 3}, {}, "norm-stand-in"),
        ({"norm": [0.0] * 3}, {"train/token_accuracy": ZEROS, "train/tokens": [8.0, 16.0, 24.0]}, "targets-truncated"),
        ({"norm": [NAN] * 3}, {"train/token_accuracy": ZEROS, "train/tokens": [8.0, 16.0, 24.0]}, "targets-truncated"),
        ({"norm": [0.6, 0.7, 0.5]}, {"reward/std": [0.1, 0.2, 0.1]}, "by-construction"),
        ({"norm": [0.6, 0.7, 0.5]}, {}, "unknown"),
        ({}, {}, "unknown"),
    ],
)
def test_the_columns_beside_a_zero_say_what_it_is(
    columns: dict[str, list[float]], extra: dict[str, list[float]], reading: str
) -> None:
    zeros = run_of([10, 20, 30], loss=ZEROS, extra=extra, **columns).zero_rows
    assert zeros is not None
    (stretch,) = zeros.runs
    assert (stretch.reading, stretch.rows, stretch.to_the_end) == (reading, 3, True)


def test_a_decayed_loss_rounds_to_zero() -> None:
    zeros = run_of(range(1, 7), loss=[0.3, 0.01, 0.0002, 0.0, -0.0, 0.0001], norm=[1.0] + [0.01] * 5).zero_rows
    assert zeros is not None
    (stretch,) = zeros.runs
    assert (stretch.first, stretch.rows, stretch.to_the_end, stretch.reading) == (3, 2, False, "rounded")


def test_no_zero_gives_no_stretch() -> None:
    zeros = run_of([1, 2], loss=[2.0, NAN]).zero_rows
    assert zeros is not None
    assert zeros.runs == ()
    assert zeros.longest is None
