"""Excursions above the band: the public golden case, the operating characteristics, and what must not be flagged."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.report_b_runs import AFTER_THE_FIX, DOUBLE_SHIFT_LORA, GPT2, MEMORISING, WOBBLING
from tests.signals.run_builder import run_of

from trainclinic.signals.outliers import upward_outliers

BUMP_AT = 1200


def noisy_descent(seed: int, bump: float = 0.0, size: int = 2000) -> np.ndarray:
    """A descent with AR(1) noise (phi 0.3, t5 tails, sd 0.08) and a bump of eight steps."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_t(5, size) * np.sqrt(3 / 5)
    noise = np.zeros(size)
    for i in range(1, size):
        noise[i] = 0.3 * noise[i - 1] + shocks[i] * np.sqrt(1 - 0.09)
    value = 1.8 + 1.5 * (1 + np.arange(size) / 60) ** -0.5 + 0.08 * noise
    value[BUMP_AT : BUMP_AT + 8] += bump * np.exp(-np.arange(8) / 4)
    return value


def alarms(repeats: int) -> float:
    found = [upward_outliers(noisy_descent(k), smallest=0.1, share=0.02).flagged.sum() for k in range(repeats)]
    return float(np.mean(found)) / 2.0


def share_found(bump: float, repeats: int) -> float:
    def hit(seed: int) -> bool:
        flagged = upward_outliers(noisy_descent(seed, bump), smallest=0.1, share=0.02).flagged
        return bool(flagged[BUMP_AT : BUMP_AT + 8].any())

    return float(np.mean([hit(100 + k) for k in range(repeats)]))


def test_report_b_has_one_spike_in_which_both_losses_moved() -> None:
    spikes = run_of(facts=GPT2, checkpoints=[2000], **DOUBLE_SHIFT_LORA).spikes  # type: ignore[arg-type]
    assert spikes is not None
    (spike,) = spikes.found
    assert (spike.at.step, spike.kind, spike.decidable) == (2000, "train-and-eval", False)
    assert spike.at.z > 50
    assert spike.at.rise == pytest.approx(2.94, abs=0.02)
    assert spike.other_rise == pytest.approx(2.89, abs=0.03)
    assert spike.at.recovered_step == 2500
    assert spike.share_lost > 1


@pytest.mark.parametrize("rows", [AFTER_THE_FIX, MEMORISING, WOBBLING])
def test_other_runs_of_the_same_kind_have_no_spike(rows: dict[str, list[float]]) -> None:
    spikes = run_of(facts=GPT2, **rows).spikes  # type: ignore[arg-type]
    assert spikes is None or spikes.found == ()


def test_false_alarms_and_detection_of_the_generator() -> None:
    assert 0.5 <= alarms(6) <= 1.5
    assert share_found(1.0, 6) == 1.0


@pytest.mark.slow
def test_operating_characteristics_of_the_generator() -> None:
    assert 0.5 <= alarms(40) <= 1.5
    assert share_found(1.0, 40) == 1.0
    assert share_found(0.5, 40) > 0.7


def test_flagged_rows_do_not_widen_the_band_for_the_next_spike() -> None:
    value = noisy_descent(3)
    for at in (1000, 1020, 1040, 1060):
        value[at : at + 3] += 1.0
    flagged = upward_outliers(value, smallest=0.1, share=0.02).flagged
    assert all(flagged[at] for at in (1000, 1020, 1040, 1060))


def test_a_new_level_is_not_flagged_for_ever() -> None:
    value = noisy_descent(4)
    value[1000:] += 1.0
    flagged = upward_outliers(value, smallest=0.1, share=0.02).flagged
    assert flagged[1000]
    assert flagged[1500:].mean() < 0.01


def test_early_rows_are_judged_by_their_neighbours() -> None:
    value = np.full(60, 0.01)
    value[:5] = [0.31, 0.2, 0.1, 0.05, 0.02]
    value[17] = 1.656
    flagged = upward_outliers(value, smallest=0.1, share=0.02).flagged
    assert np.flatnonzero(flagged).tolist() == [17]


def test_printed_digits_are_no_scatter() -> None:
    value = np.round(2.0 + 0.001 * np.sin(np.arange(200)), 2)
    assert not upward_outliers(value, smallest=0.1, share=0.02).flagged.any()


def test_a_million_rows_keep_their_single_spike() -> None:
    size = 1_000_000
    rng = np.random.default_rng(0)
    value = 1.8 + 1.5 * (1 + np.arange(size) / 60) ** -0.5 + 0.08 * rng.standard_normal(size)
    value[654_321] += 3.0
    flagged = upward_outliers(value, smallest=0.1, share=0.02).flagged
    assert flagged[654_321]
    assert flagged.sum() < 20


def test_a_gradient_spike_at_the_same_row_is_told() -> None:
    rng = np.random.default_rng(0)
    loss = 2.0 + 0.03 * rng.standard_normal(200)
    norm = np.exp(0.1 * rng.standard_normal(200))
    loss[150], norm[150] = 4.0, 60.0
    run = run_of(list(range(200)), loss=loss.tolist(), norm=norm.tolist())
    assert run.spikes is not None
    top = run.spikes.found[0]
    assert (top.at.step, top.kind) == (150, "with-gradient")
    assert run.gradient_outliers is not None
    assert run.gradient_outliers[0].rise == pytest.approx(60, rel=0.2)


def test_four_rows_are_too_few_to_say() -> None:
    assert run_of([1, 2, 3, 4], loss=[2.0, 1.9, 5.0, 1.8]).spikes is None
