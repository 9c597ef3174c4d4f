"""Steps from printed numbers, epochs and progress bars."""

from __future__ import annotations

import numpy as np

from trainclinic.readers.grammars.tracks import lexical_position, run_starts, steps_from_bars, steps_of_run

NAN = float("nan")


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_going_back_to_the_beginning_is_another_run() -> None:
    assert run_starts(floats(10, 20, 30, 10, 20)) == [0, 3]


def test_going_back_to_the_middle_is_a_resume() -> None:
    assert run_starts(floats(10, 20, 30, 40, 30, 40, 50)) == [0]


def test_a_log_that_begins_late_and_goes_back_before_its_first_step_is_one_run() -> None:
    assert run_starts(floats(112, 125, 138, 150, 12, 25, 38)) == [0]


def test_steps_that_start_over_in_each_epoch_go_on() -> None:
    steps = steps_of_run(floats(0, 20, 40, 0, 20, 40), floats(0, 0, 0, 1, 1, 1), np.full(6, 60.0))
    assert steps.step.tolist() == [0, 20, 40, 60, 80, 100]
    assert steps.per_epoch == 60


def test_steps_that_go_on_through_epochs_stay() -> None:
    steps = steps_of_run(floats(10, 20, 30, 40), floats(1, 1, 2, 2), np.full(4, 100.0))
    assert steps.step.tolist() == [10, 20, 30, 40]
    assert steps.per_epoch is None


def test_without_a_stated_length_an_epoch_is_as_long_as_its_last_step() -> None:
    steps = steps_of_run(floats(100, 200, 100, 200), floats(1, 1, 2, 2), np.full(4, NAN))
    assert steps.step.tolist() == [100, 200, 300, 400]


def test_a_position_rises_within_and_across_epochs() -> None:
    assert (np.diff(lexical_position(floats(5, 9, 1, 3), floats(0, 0, 1, 1))) > 0).all()


def test_the_bar_behind_a_row_is_exact_when_it_was_drawn_again() -> None:
    rows, bars = np.array([2, 5, 8]), np.array([1, 3, 4, 6, 7, 9])
    found = steps_from_bars(rows, bars, floats(9, 10, 19, 20, 30, 30))
    assert found is not None
    assert found.tolist() == [10, 20, 30]


def test_the_bar_before_a_row_places_it_when_none_follows() -> None:
    found = steps_from_bars(np.array([2, 4]), np.array([1, 3]), floats(10, 20))
    assert found is not None
    assert found.tolist() == [10, 20]


def test_bars_that_do_not_advance_place_nothing() -> None:
    assert steps_from_bars(np.array([2, 4, 6]), np.array([1, 3, 5]), floats(7, 7, 7)) is None
