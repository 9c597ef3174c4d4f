"""Two levels with jumps between them, and the many shapes that have one."""

from __future__ import annotations

import numpy as np
import pytest

from trainclinic.signals.loss_levels import split_levels

RNG = np.random.default_rng(7)
SHAPES = {
    "normal": lambda n: RNG.standard_normal(n),
    "heavy tails": lambda n: RNG.standard_t(5, n),
    "log-normal": lambda n: np.exp(0.4 * RNG.standard_normal(n)),
    "random walk": lambda n: np.cumsum(RNG.standard_normal(n)),
    "sawtooth": lambda n: (np.arange(n) % 7) / 7 + 0.05 * RNG.standard_normal(n),
    "one step": lambda n: 2.0 * (np.arange(n) > n // 2) + 0.1 * RNG.standard_normal(n),
    "staircase": lambda n: -1.0 * (np.arange(n) // (n // 3)) + 0.1 * RNG.standard_normal(n),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [30, 100])
def test_shapes_with_one_level_pass_at_most_twice_in_a_hundred(shape: str, rows: int) -> None:
    alarms = 0
    for _ in range(100):
        found = split_levels(3.0 + SHAPES[shape](rows))
        alarms += found is not None and found.are_separate
    assert alarms <= 2


@pytest.mark.parametrize("block", [1, 2, 5])
@pytest.mark.parametrize("rows", [30, 120])
def test_blocks_of_two_sources_are_found(block: int, rows: int) -> None:
    found_in = 0
    for _ in range(20):
        which = (np.arange(rows) // block) % 2
        found = split_levels(2.2 + 1.2 * which - 0.2 * np.arange(rows) / rows + 0.13 * RNG.standard_normal(rows))
        assert found is not None
        found_in += found.are_separate
    assert found_in >= 19 if rows // block >= 7 else found_in == 0


def test_equal_rows_have_no_levels() -> None:
    assert split_levels(np.full(30, 2.0)) is None
