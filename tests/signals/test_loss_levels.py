"""Two levels with jumps between them, and the many shapes that have one."""

from __future__ import annotations

import numpy as np
import pytest

from trainclinic.signals.loss_levels import split_levels

SHAPES = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "heavy tails": lambda rng, n: rng.standard_t(5, n),
    "log-normal": lambda rng, n: np.exp(0.4 * rng.standard_normal(n)),
    "random walk": lambda rng, n: np.cumsum(rng.standard_normal(n)),
    "sawtooth": lambda rng, n: (np.arange(n) % 7) / 7 + 0.05 * rng.standard_normal(n),
    "one step": lambda rng, n: 2.0 * (np.arange(n) > n // 2) + 0.1 * rng.standard_normal(n),
    "staircase": lambda rng, n: -1.0 * (np.arange(n) // (n // 3)) + 0.1 * rng.standard_normal(n),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [30, 100])
def test_shapes_with_one_level_pass_at_most_twice_in_a_hundred(shape: str, rows: int) -> None:
    rng = np.random.default_rng([rows, len(shape)])
    alarms = 0
    for _ in range(400):
        found = split_levels(3.0 + SHAPES[shape](rng, rows))
        alarms += found is not None and found.are_separate
    assert alarms <= 8


@pytest.mark.parametrize("block", [1, 2, 5])
@pytest.mark.parametrize("rows", [30, 120])
def test_blocks_of_two_sources_are_found(block: int, rows: int) -> None:
    rng = np.random.default_rng([rows, block])
    found_in = 0
    for _ in range(20):
        which = (np.arange(rows) // block) % 2
        found = split_levels(2.2 + 1.2 * which - 0.2 * np.arange(rows) / rows + 0.13 * rng.standard_normal(rows))
        assert found is not None
        found_in += found.are_separate
    assert found_in >= 19 if rows // block >= 7 else found_in <= 3


def test_equal_rows_have_no_levels() -> None:
    assert split_levels(np.full(30, 2.0)) is None
