"""Which rows of a loss column are losses."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.run_builder import run_of

from trainclinic.signals.loss_rows import usable_rows

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ([2.0, 1.9, NAN, 1.8], [True, True, False, True]),
        ([14577.98, 0.0, 0.0], [False, False, False]),
        ([1.28, 1.29, 1.30, 34023.8, 0.0, 0.0], [True, True, True, False, False, False]),
        ([1.2, 1.1, 0.0, 0.0], [True, True, False, False]),
        ([0.5, 0.01, 0.001, 0.0, 0.001], [True, True, True, True, True]),
        ([0.0, 0.0], [False, False]),
        ([1.2, 0.0, 1.1, 0.0, 1.0], [True, False, True, False, True]),
    ],
)
def test_filter_rows_are_dropped_and_reached_zeros_stay(value: list[float], kept: list[bool]) -> None:
    assert usable_rows(np.array(value)).tolist() == kept


def test_policy_losses_keep_their_zeros() -> None:
    run = run_of([1, 2, 3], loss=[0.0, 0.01, 0.0], facts={"objective": "grpo"})
    assert run.loss_rows is not None
    assert len(run.loss_rows) == 3
