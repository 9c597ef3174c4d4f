"""The filter of non-finite losses, forwards and backwards, against published golden values and a literal simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.signals.nan_filter_arithmetic import invert, log_amplification, simulate, solve

NAN = math.nan
REPORT_A = 14577.9766


@pytest.mark.parametrize(
    ("finite", "summed", "mean"),
    [
        (8, 0.1741, 0.174),
        (14, 1.9831, 1.133),
        (15, 2.9746, 1.5865),
        (16, 4.462, 2.231),
        (17, 5.9493, 2.8),
        (18, 7.9324, 3.526),
        (24, 44.5693, 14.856),
    ],
)
def test_report_a_inverts_to_the_published_table(finite: int, summed: float, mean: float) -> None:
    count, sums, means = invert(REPORT_A, 10, 8)
    assert count[finite - 1] == finite
    assert sums[finite - 1] == pytest.approx(summed, abs=6e-5)
    assert means[finite - 1] == pytest.approx(mean, abs=6e-4)


@pytest.mark.parametrize(
    ("accumulation", "steps", "mean"),
    [(1, 1, 26505), (2, 1, 4819), (4, 1, 159.3), (8, 3, 14.86), (16, 5, 1.79), (32, 7, 0.78)],
)
def test_other_accumulations_give_other_means(accumulation: int, steps: int, mean: float) -> None:
    assert invert(REPORT_A, 10, accumulation)[2][steps * accumulation - 1] == pytest.approx(mean, rel=2e-3)


@pytest.mark.parametrize(
    ("logged", "accumulation", "steps", "mean"),
    [(344093.2, 8, 1, 4.11), (60.57, 4, 1, 0.66), (60.57, 4, 2, 1.68)],
)
def test_two_public_rows_invert_to_plausible_means(logged: float, accumulation: int, steps: int, mean: float) -> None:
    assert invert(logged, 10, accumulation)[2][steps * accumulation - 1] == pytest.approx(mean, abs=0.006)


def test_an_open_accumulation_leaves_56_fits_of_report_a() -> None:
    """Six accumulations, every onset, losses divided by the accumulation or not, means of 1.2 to 4.5."""
    fits = {}
    for accumulation in (1, 2, 4, 8, 16, 32):
        finite, summed, mean = invert(REPORT_A, 10, accumulation)
        partial = finite < 10 * accumulation
        fits[accumulation] = sum(
            int((partial & (level >= 1.2) & (level <= 4.5)).sum()) for level in (mean, summed / finite)
        )
    assert fits == {1: 0, 2: 0, 4: 0, 8: 11, 16: 20, 32: 25}


def begin_with(accumulation: int, finite_steps: int, loss: float) -> list[list[float]]:
    good = [[loss / accumulation] * accumulation] * finite_steps
    return good + [[NAN] * accumulation] * (20 - finite_steps)


@pytest.mark.parametrize(
    ("accumulation", "one", "five", "micro"),
    [(1, 1.1, 1.8333, 1.1), (4, 183.0125, 11.2971, 366.025), (8, 167467.8758, 127.6237, 2679486.0125)],
)
def test_the_forward_simulation_gives_the_published_rows(
    accumulation: int, one: float, five: float, micro: float
) -> None:
    first_only = [[2.0 / accumulation] + [NAN] * (accumulation - 1)] + [[NAN] * accumulation] * 19
    assert simulate(begin_with(accumulation, 1, 2.0), 10) == pytest.approx([one, 0.0], rel=1e-5)
    assert simulate(begin_with(accumulation, 5, 2.0), 10) == pytest.approx([five, 0.0], rel=1e-4)
    assert simulate(first_only, 10) == pytest.approx([micro, 0.0], rel=1e-6)


@pytest.mark.parametrize(("loss", "logged"), [(5.5626, 36347.94), (2.23098, 14577.9734)])
def test_two_trainer_runs_are_reproduced(loss: float, logged: float) -> None:
    assert simulate(begin_with(8, 2, loss), 10) == pytest.approx([logged, 0.0], rel=2e-6)


def test_the_amplification_has_its_closed_form_at_step_boundaries() -> None:
    factor = np.exp(log_amplification(10, 8))
    for m in range(1, 11):
        assert factor[m * 8] == pytest.approx((11 / (m + 1)) ** 8)


def test_the_amplification_at_accumulation_1_never_inflates() -> None:
    """The row is m L / N times the factor, which stays below 1: a run without accumulation logs a dip, not a giant."""
    m = np.arange(1, 11)
    assert (m / 10 * np.exp(log_amplification(10, 1)[1:]) <= 1.0 + 1e-12).all()


@given(
    interval=st.integers(1, 30),
    accumulation=st.integers(1, 16),
    losses=st.lists(st.floats(0.01, 20.0), min_size=1, max_size=480),
)
def test_inversion_undoes_the_simulation(interval: int, accumulation: int, losses: list[float]) -> None:
    micro = [loss / accumulation for loss in losses][: interval * accumulation]
    padded = micro + [NAN] * (interval * accumulation - len(micro))
    steps = [padded[i : i + accumulation] for i in range(0, len(padded), accumulation)]
    (logged,) = simulate(steps, interval)
    _, summed, mean = invert(logged, interval, accumulation)
    assert summed[len(micro) - 1] == pytest.approx(sum(micro), rel=1e-9)
    assert mean[len(micro) - 1] == pytest.approx(np.mean(losses[: len(micro)]), rel=1e-9)


def test_solutions_at_step_boundaries_come_first_and_an_undamaged_window_is_none() -> None:
    found = solve(REPORT_A, 10, 8, (0.5, 6.0))
    assert (found[0].finite, found[0].finite_steps, found[0].whole_steps) == (16, 2, True)
    assert [s.finite for s in found[1:]] == [12, 13, 14, 15, 17, 18, 19, 20]
    assert all(s.finite < 20 for s in solve(2.0, 10, 2, (0.0, 1e9)))


def test_absurd_windows_have_no_solution() -> None:
    assert solve(2.0, 0, 8, (0.5, 6.0)) == ()
    assert solve(2.0, 10**9, 8, (0.5, 6.0)) == ()
