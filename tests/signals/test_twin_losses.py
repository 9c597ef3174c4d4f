"""Two logged numbers that measure one thing."""

from __future__ import annotations

import pytest

from trainclinic.record.facts import Fact, Facts
from trainclinic.record.parts import Event
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured

HERE = Source("train.log", 1)
ROWS = ([10, 20, 30, 40, 50], [1.2, 1.1, 1.0, 1.0, 1.0])


def run(said: float | None = None, events: tuple[Event, ...] = (), **columns: list[float]) -> Measured:
    series = {"train/loss": make_series("train/loss", *ROWS)}
    series |= {name: make_series(name, ROWS[0], values) for name, values in columns.items()}
    facts = Facts([] if said is None else [Fact("final_train_loss", said, HERE)])
    return Measured(RunRecord("run", series=series, facts=facts, events=events))


@pytest.mark.parametrize(("shift", "agree"), [(0.0, True), (0.01, True), (0.99, False)])
def test_two_cross_entropies_of_one_split_are_compared(shift: float, agree: bool) -> None:
    (pair,) = run(train_ce=[value - shift for value in ROWS[1]]).twin_losses
    assert (pair.right, pair.agree, pair.what) == ("train_ce", agree, "same split")


def test_a_column_of_another_split_is_not_compared() -> None:
    assert run(val_nll=[9.0] * 5).twin_losses == ()


@pytest.mark.parametrize(("said", "agree"), [(1.06, True), (1.02, True), (0.3, False)])
def test_a_reported_mean_is_compared_with_the_rows(said: float, agree: bool) -> None:
    (pair,) = run(said).twin_losses
    assert pair.left_value == pytest.approx(1.06)
    assert pair.agree is agree


def test_a_resumed_run_sums_only_a_part_and_is_left_out() -> None:
    assert run(0.3, (Event("resume", "resuming from checkpoint-30", HERE),)).twin_losses == ()
