"""The evaluation curve beside the training curve: golden runs, one property at a time, and the false-alarm rate."""

from __future__ import annotations

import numpy as np
import pytest

from trainclinic.record.facts import Fact, Facts
from trainclinic.record.run import RunRecord
from trainclinic.record.series import Printed, make_series
from trainclinic.record.source import Source
from trainclinic.signals.generalisation import Generalisation
from trainclinic.signals.measured import Measured

CROPS = {"evaluation_batches": 20.0, "micro_batch_size": 8.0, "sequence_length": 256.0}


def compared(
    step: list[int],
    train: list[float] | None,
    evaluation: list[float],
    facts: dict[str, float] | None = None,
    **more: list[float],
) -> Generalisation:
    columns = {"eval/loss": evaluation, **({} if train is None else {"train/loss": train}), **more}
    series = {
        name: make_series(
            name, step, values, line=range(1, len(step) + 1), files=("train.log",), printed=Printed("fixed", 4)
        )
        for name, values in columns.items()
    }
    known = Facts(Fact(key, value, Source("train.log", key=key)) for key, value in (facts or {}).items())
    found = Measured(RunRecord("run", series=series, facts=known)).generalisation
    assert found is not None
    return found


REPORT_B = (
    [0, 500, 1000, 1500, 2000, 2500],
    [9.2270, 6.9544, 6.5811, 6.6511, 9.5846, 6.6424],
    [9.2680, 7.1291, 6.7096, 6.7427, 9.6169, 6.7105],
)


@pytest.mark.parametrize("facts", [CROPS, {}])
def test_report_b_does_not_overfit_with_or_without_the_number_of_crops(facts: dict[str, float]) -> None:
    found = compared(*REPORT_B, facts)
    assert found.state == "flat"
    assert found.gap == pytest.approx([0.041, 0.1747, 0.1285, 0.0916, 0.0323, 0.0681], abs=1e-4)
    assert found.gap[-1] / found.train[-1] == pytest.approx(0.0103, abs=1e-4)
    assert found.noise.excursions == (2000,)
    assert found.best_step == 1000
    assert found.evaluated_together


def test_the_error_of_random_crops_follows_from_their_number() -> None:
    found = compared(*REPORT_B, CROPS)
    assert (found.noise.how, found.noise.sequences) == ("crops", 160)
    assert 0.03 < found.noise.standard_error < 0.05


# Runs of one public repository, from their printed evaluations (step: train / val).
@pytest.mark.parametrize(
    ("step", "train", "evaluation", "state"),
    [
        pytest.param(
            [0, 500, 1000, 1500, 2000],
            [3.6130, 3.2969, 3.2385, 3.1962, 3.1024],
            [3.8250, 3.5260, 3.4359, 3.4368, 3.3757],
            "falling",
            id="healthy fine-tune",
        ),
        pytest.param(
            [0, 500, 1000, 1500, 2000, 2500, 3000],
            [3.1324, 2.2125, 1.6340, 1.2167, 0.8412, 0.6275, 0.4723],
            [3.2614, 2.5317, 2.4207, 2.2583, 2.2566, 2.2967, 2.2059],
            "memorising",
            id="memorisation with a flat evaluation",
        ),
        pytest.param(
            [0, 500, 1000, 1500],
            [9.4037, 5.5681, 5.2508, 5.1879],
            [9.3413, 5.4046, 5.2788, 5.1962],
            "falling",
            id="full fine-tune on misaligned targets",
        ),
        pytest.param(
            [2100, 2600, 3100, 3600],
            [3.1361, 3.1514, 3.1249, 3.1136],
            [3.4192, 3.4477, 3.3966, 3.4146],
            "flat",
            id="resumed run",
        ),
        pytest.param(
            [0, 500, 1000, 1500, 2000, 2500, 3000, 3500],
            [9.5012, 5.8200, 5.8790, 5.5917, 5.2800, 5.1780, 5.9209, 5.9837],
            [9.5813, 6.5911, 6.9977, 7.1702, 6.8063, 6.9061, 7.2923, 7.3789],
            "flat",
            id="wobble on misaligned targets",
        ),
    ],
)
def test_public_runs_are_told_apart(step: list[int], train: list[float], evaluation: list[float], state: str) -> None:
    assert compared(step, train, evaluation).state == state


def test_the_memorising_run_ends_with_a_gap_of_1_73() -> None:
    found = compared([0, 500, 1000, 1500], [3.1324, 2.2125, 1.6340, 0.4723], [3.2614, 2.5317, 2.4207, 2.2059])
    assert found.gap[-1] == pytest.approx(1.7336, abs=1e-4)


STEPS = [100, 200, 300, 400, 500, 600]
FALLING = [2.0, 1.6, 1.2, 0.9, 0.6, 0.4]
RISING = [2.1, 1.9, 1.8, 1.9, 2.1, 2.4]


def test_evaluation_that_rises_while_training_falls_is_rising() -> None:
    found = compared(STEPS, FALLING, RISING)
    assert (found.state, found.best_step, found.later_above) == ("rising", 300, 3)
    assert found.rise == pytest.approx(0.45)


def test_the_same_evaluation_with_a_rising_training_loss_is_rising_together() -> None:
    assert compared(STEPS, [2.0, 1.9, 1.7, 1.8, 2.0, 2.2], RISING).state == "rising-together"


def test_the_same_evaluation_without_a_training_loss_is_rising_alone() -> None:
    assert compared(STEPS, None, RISING).state == "rising-alone"


def test_three_evaluations_suffice_only_when_they_rise_clearly_from_the_first() -> None:
    assert compared([1, 2, 3], [1.0, 0.8, 0.5], [1.0, 1.1, 1.3]).state == "rising"
    assert compared([1, 2, 3], [1.0, 0.8, 0.5], [1.0, 1.01, 1.02]).state == "insufficient"
    assert compared([1, 2], [1.0, 0.5], [1.0, 1.3]).state == "insufficient"


def test_a_task_metric_that_still_improves_is_reported_beside_the_rising_loss() -> None:
    better = {"eval_wer": [40.0, 36.0, 34.0, 32.5, 31.6, 31.2]}
    worse = {"eval_wer": [40.0, 36.0, 34.0, 34.5, 35.6, 36.2]}
    for columns, improved in ((better, True), (worse, False)):
        found = compared(STEPS, FALLING, RISING, **columns)
        assert found.state == "rising"
        assert found.metric is not None
        assert found.metric.improved is improved


def test_a_window_mean_is_read_half_a_window_earlier() -> None:
    """On a straight descent the level at an evaluation lies below the row logged there by half a window's descent."""
    train = make_series("train/loss", range(10, 1010, 10), 3.0 - 0.002 * (np.arange(10, 1010, 10) - 5.0))
    evaluation = make_series("eval/loss", [250, 500, 750], [2.6, 2.1, 1.6])
    record = RunRecord("run", series={"train/loss": train, "eval/loss": evaluation})
    found = Measured(record).generalisation
    assert found is not None
    assert not found.evaluated_together
    assert found.train == pytest.approx([2.5, 2.0, 1.5], abs=1e-6)


def test_policy_training_has_no_generalisation() -> None:
    series = {n: make_series(n, STEPS, RISING) for n in ("train/loss", "eval/loss", "reward/std")}
    assert Measured(RunRecord("run", series=series)).generalisation is None


@pytest.mark.parametrize(("count", "fall", "noise"), [(6, 1.0, 0.02), (12, 1.0, 0.02), (50, 1.0, 0.02), (30, 0.0, 0.1)])
def test_noise_around_a_level_rarely_looks_like_rising(count: int, fall: float, noise: float) -> None:
    """A curve that falls to a level and stays there, or never fell: at most one of twenty is called rising."""
    rng = np.random.default_rng(7)
    steps = list(range(100, 100 * count + 100, 100))
    train = np.linspace(2.5, 1.5, count)
    alarms = 0
    for _ in range(100):
        curve = 2 + fall * np.exp(-np.arange(count) / (count / 6)) + noise * rng.standard_normal(count)
        alarms += compared(steps, train.tolist(), curve.tolist()).state == "rising"
    assert alarms <= 5


def test_an_epoch_is_known_at_the_first_evaluation_when_epochs_are_logged() -> None:
    assert compared(STEPS, FALLING, RISING).first_epoch is None
    epochs = {"train/epoch": [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]}
    assert compared(STEPS, FALLING, RISING, **epochs).first_epoch == 0.5


def test_a_training_loss_measured_beside_the_evaluation_is_preferred_to_the_averaged_one() -> None:
    beside = {"eval/train_loss": [1.9, 1.7, 1.5, 1.4, 1.3, 1.2]}
    found = compared(STEPS, FALLING, RISING, **beside)
    assert found.train == pytest.approx(beside["eval/train_loss"])
    assert found.evaluated_together


def test_losses_in_different_units_are_not_subtracted() -> None:
    series = {
        "train/loss": make_series("train/loss", STEPS, FALLING, unit="bits/character"),
        "eval/loss": make_series("eval/loss", STEPS, RISING, unit="nats/token"),
    }
    found = Measured(RunRecord("run", series=series)).generalisation
    assert found is not None
    assert np.all(np.isnan(found.gap))
