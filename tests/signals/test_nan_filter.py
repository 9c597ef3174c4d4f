"""Which rows of a run the filter distorted, and what must never be called its work."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.signals.run_builder import run_of

from trainclinic.signals.nan_filter import NanFilter, sentinel_groups
from trainclinic.signals.nan_filter_arithmetic import simulate

NAN, INF = math.nan, math.inf


def found_in(*args: object, **more: object) -> NanFilter:
    found = run_of(*args, **more).nan_filter  # type: ignore[arg-type]
    assert found is not None
    return found


def test_report_a_with_its_settings_has_one_answer() -> None:
    found = found_in([10, 20], loss=[14577.9766, 0.0], norm=[NAN, NAN], facts={"accumulation_steps": 8.0})
    (window,) = found.windows
    assert window.kind == "giant"
    assert window.best is not None
    assert window.best.mean_loss == pytest.approx(2.231, abs=5e-4)
    assert window.onset(window.best) == 3
    assert {s.finite for s in window.solutions} >= {14, 15, 16, 17, 18}
    assert found.artefact_rows.tolist() == [10, 20]
    assert found.hidden.tolist() == [20]
    assert found.to_the_end


def test_report_a_without_its_settings_has_a_set_of_answers_and_no_best() -> None:
    (window,) = found_in([10, 20], loss=[14577.9766, 0.0], norm=[NAN, NAN]).windows
    assert window.best is None
    whole = {s.accumulation: round(s.mean_loss, 3) for s in window.solutions if s.whole_steps}
    assert whole == {8: 2.231, 16: 1.79, 32: 0.781}


def test_the_accumulation_follows_from_the_global_batch() -> None:
    facts = {"global_batch_size": 32.0, "micro_batch_size": 2.0, "world_size": 2.0}
    (window,) = found_in([10, 20], loss=[14577.9766, 0.0], norm=[NAN, NAN], facts=facts).windows
    assert window.accumulation == 8


def test_the_window_is_the_distance_to_the_row_before_not_the_configured_interval() -> None:
    steps = [[1.3 / 8] * 8] * 12 + [[NAN] * 8] * 18
    logged = simulate(steps, 10)
    facts = {"accumulation_steps": 8.0, "logging_steps": 500.0}
    (window,) = found_in([10, 20, 30], loss=logged, norm=[1.0, NAN, NAN], facts=facts).windows
    assert (window.begins, window.interval) == (10, 10)
    assert window.best is not None
    assert window.onset(window.best) == 13
    assert window.best.mean_loss == pytest.approx(1.3)


def test_a_resumed_log_does_not_count_its_window_from_step_0() -> None:
    steps = [[2.0 / 4] * 4] * 3 + [[NAN] * 4] * 17
    found = found_in([510, 520], loss=simulate(steps, 10), norm=[NAN, NAN], facts={"accumulation_steps": 4.0})
    (window,) = found.windows
    assert (window.begins, window.interval) == (500, 10)
    whole = {window.onset(s): round(s.mean_loss, 6) for s in window.solutions if s.whole_steps}
    assert whole[504] == 2.0
    assert window.best is None, "two onsets at step boundaries are plausible here"


def test_a_dip_before_zeros_is_solved_at_accumulation_1() -> None:
    """One infinite loss at step 23 without accumulation: 4.04 is not an improvement on 5.6."""
    steps = [[5.6]] * 22 + [[NAN]] * 18
    logged = simulate(steps, 10)
    found = found_in([10, 20, 30, 40], loss=logged, norm=[2.0, 2.0, NAN, NAN], facts={"accumulation_steps": 1.0})
    (window,) = found.windows
    assert window.kind == "dip"
    assert min(abs(s.mean_loss - 5.6) for s in window.solutions) < 1e-9
    assert found.artefact_rows.tolist() == [30, 40]


def test_an_isolated_giant_is_an_artefact_although_the_run_recovers() -> None:
    steps = [[1.5 / 8] * 8] * 24 + [[NAN] * 8] * 6 + [[1.5 / 8] * 8] * 10
    found = found_in(
        [10, 20, 30, 40], loss=simulate(steps, 10), norm=[1.0, 1.0, NAN, 1.0], facts={"accumulation_steps": 8.0}
    )
    (window,) = found.windows
    assert window.kind == "isolated"
    assert window.best is not None
    assert window.best.mean_loss == pytest.approx(1.5)
    assert not found.hidden.size


def test_a_real_explosion_with_finite_norms_before_the_nan_is_not_inverted() -> None:
    """Learning rate 10 without clipping: 387 and 5,236 were true losses of a diverging run."""
    found = found_in([5, 10, 15], loss=[387.16, 5236.12, 0.0], norm=[77.9, NAN, NAN])
    assert found.windows == ()
    assert found.hidden.tolist() == [15]


def test_a_giant_with_a_finite_norm_is_a_true_loss() -> None:
    found = found_in([10, 20, 30, 40], loss=[344.28, 1878.18, 1857.48, 0.0], norm=[580.0, 995.0, 1032.0, NAN])
    assert found.windows == ()


def test_an_infinite_norm_shows_a_finite_loss_and_so_no_inflation() -> None:
    loss, facts = [0.02] * 10 + [1.66] + [0.02] * 5, {"accumulation_steps": 16.0}
    assert found_in(range(1, 17), loss=loss, norm=[0.1] * 10 + [NAN] + [0.1] * 5, facts=facts).windows
    assert found_in(range(1, 17), loss=loss, norm=[0.1] * 10 + [INF] + [0.1] * 5, facts=facts).windows == ()


def test_no_plausible_solution_makes_no_claim() -> None:
    found = found_in([10, 20], loss=[14577.9766, 0.0], norm=[NAN, NAN], facts={"accumulation_steps": 1.0})
    assert found.windows == ()
    assert found.hidden.tolist() == [20]


@pytest.mark.parametrize(
    ("facts", "loss"),
    [
        ({"logging_nan_inf_filter": False}, [14577.9766, 0.0]),
        ({}, [14577.9766, NAN]),
        ({"device": "tpu"}, [14577.9, 0.0]),
    ],
)
def test_the_filter_is_ruled_out_where_it_cannot_have_been_at_work(facts: dict[str, bool], loss: list[float]) -> None:
    found = found_in([10, 20], loss=loss, norm=[NAN, NAN], facts=facts)
    assert found.ruled_out
    assert not found.artefact_rows.size


def test_zeros_with_finite_norms_are_not_hidden_nan() -> None:
    found = found_in([10, 20, 30], loss=[0.0, 0.0, 0.0], norm=[0.0, 0.0, 0.0])
    assert found.hidden_by is None
    found = found_in(range(1, 6), loss=[0.0003, 0.0, 0.0001, 0.0, 0.0], norm=[0.01, 0.02, 0.01, 0.02, 0.01])
    assert not found.hidden.size


def test_one_nan_norm_in_a_stretch_of_zeros_tells_for_all_of_it() -> None:
    found = found_in(range(1, 6), loss=[1.0412, 1.0177, 0.0, 0.0, 0.0], norm=[1.6, 1.5, NAN, 1.43, NAN])
    assert found.hidden.tolist() == [3, 4, 5]
    assert found.hidden_by == "gradient"


def test_deepspeeds_stand_in_for_nan_norms_is_recognised() -> None:
    norm = [math.sqrt(3)] * 5
    found = found_in(range(1, 6), loss=[21.7734, 0.0, 0.0, 0.0, 0.0], norm=norm, facts={"accumulation_steps": 8.0})
    assert found.hidden_by == "sentinel"
    assert found.windows[0].step == 1
    assert all(1.0 < s.mean_loss < 6.0 for s in found.windows[0].solutions)


@pytest.mark.parametrize(
    ("norm", "groups"),
    [([1.0, 1.0], 1), ([2**0.5] * 3, 2), ([3**0.5] * 3, 3), ([1.3, 1.3], None), ([1.0, 2**0.5], None), ([NAN], None)],
)
def test_only_equal_square_roots_of_whole_numbers_are_stand_ins(norm: list[float], groups: int | None) -> None:
    assert sentinel_groups(np.array(norm)) == groups


def test_without_norms_lasting_zeros_after_a_normal_loss_are_the_pattern_of_a_trainer_log_only() -> None:
    loss = [0.7021, 0.0, 0.0, 0.0]
    assert found_in(range(10, 50, 10), loss=loss).hidden_by == "pattern"
    assert found_in(range(10, 50, 10), loss=loss, log_format="custom_text").hidden_by is None
    assert found_in(range(10, 50, 10), loss=[0.7, 0.0, 0.0, 0.6]).hidden_by is None
    assert found_in(range(10, 50, 10), loss=[0.004, 0.0, 0.0, 0.0]).hidden_by is None


def test_a_log_without_steps_still_gets_its_giant_recognised() -> None:
    loss = [1.28, 1.29, 1.31, 1.32, 34023.7906, 0.0]
    found = found_in(range(1, 7), loss=loss, axis="row")
    (window,) = found.windows
    assert window.interval is None
    assert window.best is None
    assert all(0.65 <= s.mean_loss <= 2.7 for s in window.solutions)
    assert found.artefact_rows.tolist() == [5, 6]


def test_policy_training_is_zero_by_construction() -> None:
    loss = [0.02, 0.05, 0.0, 0.0]
    found = found_in(range(10, 50, 10), loss=loss, extra={"reward/mean": [0.1, 0.2, 0.3, 0.4]})
    assert not found.hidden.size


def test_a_million_rows_are_read_like_ten() -> None:
    rows = 1_000_000
    loss = np.full(rows, 2.0)
    loss[rows // 2 :] = 0.0
    norm = np.where(loss == 0.0, NAN, 1.0)
    measured = run_of(np.arange(1, rows + 1), loss=loss, norm=norm)  # type: ignore[arg-type]
    assert measured.nan_filter is not None
    assert measured.nan_filter.hidden.size == rows // 2
    assert measured.gradients is not None
    assert measured.zero_rows is not None
    assert measured.onset is not None


def test_a_log_whose_every_norm_is_nan_has_no_window_of_the_filter() -> None:
    rows = 300_000
    measured = run_of(np.arange(1, rows + 1), loss=np.full(rows, 1.7), norm=np.full(rows, NAN))  # type: ignore[arg-type]
    assert measured.nan_filter is not None
    assert measured.nan_filter.windows == ()
