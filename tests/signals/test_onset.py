"""The first non-finite value, counted in updates."""

from __future__ import annotations

import math

from tests.signals.run_builder import run_of

from trainclinic.signals.onset import Onset

NAN = math.nan


def onset(*args: object, **more: object) -> Onset:
    found = run_of(*args, **more).onset  # type: ignore[arg-type]
    assert found is not None
    return found


def test_finite_runs_have_none() -> None:
    assert run_of([1, 2, 3], loss=[2.0, 1.9, 1.8], norm=[1.0, 1.0, 1.0]).onset is None


def test_a_first_step_that_is_broken_came_before_any_update() -> None:
    found = onset([1, 2, 3], loss=[1.0778, 0.0, 0.0], norm=[NAN, NAN, NAN], rate=[0.0, 1e-7, 2e-7])
    assert (found.exact_step, found.updates, found.zero_rate, found.persists) == (1, (0, 0), True, True)
    assert found.series == "train/grad_norm"


def test_loops_that_count_from_0_make_their_first_update_after_step_0() -> None:
    found = onset([0, 1, 2], loss=[0.03174, NAN, NAN])
    assert (found.exact_step, found.updates) == (1, (1, 1))


def test_loops_that_count_from_1_make_their_first_update_in_step_1() -> None:
    assert onset([1, 2, 3], loss=[2.3, NAN, NAN]).updates == (1, 1)


def test_an_idle_first_update_of_a_warm_up_does_not_count() -> None:
    """Whether a row shows the used rate or the next one is open, so both counts are given."""
    found = onset([1, 2, 3], loss=[2.3, 2.3, NAN], rate=[0.0, 1e-5, 2e-5])
    assert found.updates == (0, 1)


def test_inside_a_longer_window_the_step_is_open() -> None:
    found = onset([10, 20, 30], loss=[2.3, NAN, NAN])
    assert found.exact_step is None
    assert found.updates is None


def test_the_inversion_of_the_filter_gives_the_step_of_report_a() -> None:
    facts = {"accumulation_steps": 8.0, "warmup_steps": 10.0}
    found = onset([10, 20], loss=[14577.9766, 0.0], norm=[NAN, NAN], rate=[2e-4, 1.99e-4], facts=facts)
    assert (found.exact_step, found.inferred, found.updates) == (3, True, (1, 1))
    assert found.zero_rate is False


def test_a_log_that_begins_in_the_middle_counts_no_updates() -> None:
    found = onset([2800, 2801, 2802], loss=[3.99, 4.0, NAN])
    assert (found.exact_step, found.updates) == (2802, None)


def test_a_hiccup_does_not_persist() -> None:
    assert not onset([1, 2, 3], loss=[2.0, 2.0, 2.0], norm=[1.0, NAN, 1.0]).persists


def test_rows_without_steps_have_no_exact_step() -> None:
    assert onset([1, 2, 3], loss=[2.0, NAN, NAN], axis="row").exact_step is None


def test_deepspeeds_stand_in_counts_as_a_broken_norm() -> None:
    found = onset([1, 2, 3, 4], loss=[21.77, 0.0, 0.0, 0.0], norm=[3**0.5] * 4)
    assert (found.series, found.exact_step, found.updates) == ("train/grad_norm", 1, (0, 0))
