"""The first loss and its place between word frequencies and uniform guessing."""

from __future__ import annotations

import math

import pytest
from tests.signals.report_b_runs import AFTER_THE_FIX, DOUBLE_SHIFT_LORA, GPT2, RESUMED, WOBBLING
from tests.signals.run_builder import run_of

from trainclinic.signals.initial_loss import InitialLoss, place
from trainclinic.signals.loss_baselines import Baselines
from trainclinic.signals.measured import Measured


def first(run: Measured) -> InitialLoss:
    assert run.initial_loss is not None
    return run.initial_loss


def with_data(columns: dict[str, list[float]]) -> Measured:
    return Measured(run_of(facts=GPT2, **columns).record, unigram_entropy=6.538)  # type: ignore[arg-type]


def test_report_b_starts_where_misaligned_targets_put_a_sharp_model() -> None:
    initial = first(with_data(DOUBLE_SHIFT_LORA))
    assert initial.reading == "misaligned-range"
    assert initial.standardised == pytest.approx(0.63, abs=0.01)
    assert initial.value - 6.538 > 2
    assert not initial.is_window_mean


def test_the_same_model_with_right_targets_starts_normally() -> None:
    initial = first(with_data(AFTER_THE_FIX))
    assert initial.reading == "normal"


def test_another_double_shifted_run_lies_in_the_same_band() -> None:
    assert 0.63 <= (first(with_data(WOBBLING)).standardised or 0) <= 0.72


def test_a_resumed_log_has_no_initial_loss() -> None:
    assert run_of(facts=GPT2, **RESUMED).initial_loss is None  # type: ignore[arg-type]


def test_a_window_mean_is_extrapolated_back_and_said_to_be_a_lower_bound() -> None:
    initial = first(run_of([10, 20, 30], loss=[2.6, 2.2, 2.1], facts={"model_type": "llama"}))
    assert initial.is_window_mean
    assert initial.at_start == pytest.approx(2.8)


def test_a_rising_second_row_is_not_extrapolated() -> None:
    assert first(run_of([10, 20, 30], loss=[2.2, 2.6, 2.1], facts={"model_type": "llama"})).at_start == 2.2


def test_an_inflated_row_before_exact_zeros_is_no_initial_loss() -> None:
    assert run_of([10, 20], loss=[14577.9766, 0.0], facts={"model_type": "llama"}).initial_loss is None


UNIFORM = math.log(50257)


@pytest.mark.parametrize(
    ("value", "reading"),
    [
        (0.05, "almost-zero"),
        (3.6, "normal"),
        (5.8, "raised"),
        (6.6, "context-ignored"),
        (9.23, "misaligned-range"),
        (10.75, "uniform"),
        (15.4, "above-uniform"),
        (892.0, "giant"),
    ],
)
def test_every_range_has_its_reading(value: float, reading: str) -> None:
    known = run_of([1, 2], loss=[3.0, 2.9], facts=GPT2).baselines
    assert known is not None
    levels = Baselines(50257, "vocabulary_size", None, UNIFORM, 6.538, None, known.reference)
    assert place(value, value, levels) == reading


def test_without_a_vocabulary_only_extremes_are_placed() -> None:
    assert place(9.0, 9.0, None) == "unplaced"
    assert place(900.0, 900.0, None) == "giant"
