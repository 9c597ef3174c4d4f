"""Where in the data a step lies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.signals.report_b_figures import PLAN, report_b
from tests.signals.run_builder import run_of

from trainclinic.record.series import Printed, make_series
from trainclinic.signals.position import steps_per_epoch_range

EPOCHS_A = {"train/epoch": [0.02028397565922921, 0.04056795131845842]}


@pytest.mark.parametrize(("step", "tokens"), [(1500, 3_072_000), (2000, 4_096_000), (2500, 5_120_000)])
def test_report_b_token_positions(step, tokens):
    assert report_b(**PLAN).position.tokens_at(step) == tokens


def test_report_b_has_no_position_in_the_data():
    position = report_b(**PLAN).position
    assert position.sampling == "random crops"
    assert position.epoch_at(2000) is None
    assert "no region of the data" in position.says_at(2000)


def test_report_b_passes_and_share_seen():
    position = report_b(**PLAN, dataset_tokens=1_088_797.0).position
    assert position.passes_at(2000) == pytest.approx(3.76, abs=0.005)
    assert position.share_seen_at(2000) == pytest.approx(0.977, abs=5e-4)


def test_report_a_steps_per_epoch_and_rows():
    facts = {"micro_batch_size": 2.0, "accumulation_steps": 8.0}
    position = run_of([10, 20], loss=[1.0, 1.0], extra=EPOCHS_A, facts=facts).position
    assert position.steps_per_epoch == 493.0
    assert position.row_range == (7887, 7888)
    assert position.assumed == ("world_size",)
    assert position.is_upper_bound


def test_two_digits_of_an_epoch_give_a_range():
    series = make_series("train/epoch", [10, 20, 200], [0.02, 0.04, 0.41], printed=Printed("fixed", 2))
    low, high = steps_per_epoch_range(series)
    assert low < 200 / 0.41 < high
    assert 480 < low < high < 500


def test_whole_epochs_give_the_distance_of_their_changes():
    step = np.arange(10, 1001, 10)
    low, high = steps_per_epoch_range(make_series("train/epoch", step, step // 250))
    assert low <= 250 <= high


def test_constant_epoch_gives_nothing():
    assert steps_per_epoch_range(make_series("train/epoch", [1, 2, 3], [1, 1, 1])) is None


def test_rows_and_batch_give_steps_per_epoch():
    position = run_of([1, 2], loss=[1, 1], facts={"dataset_rows": 1000.0, "global_batch_size": 10.0}).position
    assert position.steps_per_epoch == 100
    assert position.epoch_at(250) == 2.5
    assert position.passes_at(250) == 2.5
    assert "places 490 to 499" in position.says_at(250)


def test_a_token_counter_is_used_when_batches_are_unknown():
    position = run_of([100, 200], loss=[1, 1], extra={"train/tokens": [1000, 2000]}).position
    assert position.tokens_at(50) == 500


def test_nothing_known_gives_nothing():
    assert run_of([1, 2], loss=[1, 1]).position is None
    assert run_of([1, 2], loss=[1, 1], facts={"micro_batch_size": 4.0}, axis="epoch").position is None


def test_random_crops_follow_a_poisson_law():
    position = report_b(**PLAN, dataset_tokens=4_096_000.0).position
    assert position.share_seen_at(2000) == pytest.approx(1 - math.exp(-1))
