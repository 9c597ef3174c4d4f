"""Runs beside each other: what names say, what is comparable, and how losses differ."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from trainclinic.record.facts import Fact, Facts
from trainclinic.record.parts import Result
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series
from trainclinic.record.source import Source
from trainclinic.signals.comparison_words import factors_of, words_of
from trainclinic.signals.comparisons import Pair
from trainclinic.signals.measured import Measured
from trainclinic.signals.result_pairs import losses_by_length, result_pairs

NAN = math.nan


def record(name: str, loss: Sequence[float], *, first_step: int = 0, **facts: float | str | bool) -> RunRecord:
    steps = range(first_step, first_step + 10 * len(loss), 10)
    known = Facts(Fact(key, value, Source(name)) for key, value in facts.items())
    series = {"train/loss": make_series("train/loss", steps, loss, files=(name,))}
    return RunRecord(name, series=series, facts=known, files=(name,))


def pair(one: RunRecord, other: RunRecord) -> Pair:
    (found,) = Measured(one, companions=(other,)).pairs
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train.log", {}),
        ("logs/train_cpu.log", {"device": "cpu"}),
        ("train-a100.log", {"device": "cuda"}),
        ("train_no_compile.log", {"kernel": "eager"}),
        ("train_torch_ce.log", {"kernel": "torch"}),
        ("train_no_liger.log", {"kernel": "torch"}),
        ("train_without_flash.log", {"attention": "eager"}),
        ("train_flash_attn_disabled.log", {"attention": "eager"}),
        ("train_fa2.log", {"attention": "flash"}),
        ("records one by one", {"packing": "unpacked"}),
        ("unpacked", {"packing": "unpacked"}),
        ("bs1_ga32", {"accumulation": "32"}),
        ("train_accum1.log", {"accumulation": "1"}),
        ("batch_4", {"batch": "4"}),
        ("train_lr2e-5.log", {"rate": "2e-5"}),
        ("second run, learning_rate 2e-6", {"rate": "2e-6"}),
        ("train_v4.46.1.log", {"release": "4.46.1"}),
        ("loss_before_upgrade.log", {"release": "before"}),
        ("eval_before_save.json", {"reload": "saved"}),
        ("eval_after_reload.json", {"reload": "reloaded"}),
        ("resumed_at_200", {"resume": "resumed"}),
        ("train_seq4096.log", {"length": "4096"}),
        ("bf16", {"precision": "bfloat16"}),
        ("run_b", {}),
        ("loss_2024.log", {}),
    ],
)
def test_names_tell_what_was_changed(name: str, expected: dict[str, str]) -> None:
    assert factors_of(name) == expected


def test_words_of_a_name_leave_out_folder_and_ending() -> None:
    assert words_of("runs/bs32-ga1.log") >= {"bs", "32", "ga1"}
    assert "runs" not in words_of("runs/bs32-ga1.log")


def test_a_printed_device_counts_and_a_shared_setting_does_not() -> None:
    one = record("train.log", [2.0, 1.9], device="mps", accumulation_steps=4)
    other = record("again.log", [2.0, 1.9], device="cpu", accumulation_steps=4)
    assert pair(one, other).factors == {"device": ("mps", "cpu")}


def test_a_name_outweighs_a_setting_that_both_share() -> None:
    one = record("train.log", [8.0, 7.6], accumulation_steps=4)
    other = record("train_accum1.log", [2.0, 1.9], accumulation_steps=4)
    assert pair(one, other).factors == {"accumulation": ("4", "1")}


def test_a_setting_that_only_one_run_tells_is_no_difference() -> None:
    assert pair(record("a.log", [2.0, 1.9], device="mps"), record("b.log", [2.0, 1.9])).factors == {}


def test_rates_differ_from_three_times_on() -> None:
    near = pair(record("train_lr2e-5.log", [2.0]), record("train_lr1e-5.log", [2.0]))
    far = pair(record("train_lr2e-5.log", [2.0]), record("train_lr5e-6.log", [2.0]))
    assert near.factors == {}
    assert far.factors == {"rate": ("2e-05", "5e-06")}


def test_different_models_are_in_conflict() -> None:
    assert pair(record("a.log", [2.0], model_name="x"), record("b.log", [2.0], model_name="y")).conflict == "model_name"
    assert pair(record("a.log", [2.0], model_name="x"), record("b.log", [2.0])).conflict == ""


def test_a_lasting_difference_has_one_sign() -> None:
    base = [2.0, 1.9, 1.8, 1.7, 1.6, 1.5]
    higher = pair(record("a.log", [v * 1.1 for v in base]), record("b.log", base))
    noise = pair(record("a.log", [v * (1.1 if i % 2 else 0.9) for i, v in enumerate(base)]), record("b.log", base))
    assert higher.lasting == pytest.approx(0.1)
    assert noise.lasting == 0.0
    assert noise.largest == pytest.approx(0.1)


def test_first_losses_are_compared_at_one_step_only() -> None:
    assert pair(record("a.log", [8.0, 7.0]), record("b.log", [2.0, 1.9])).first_ratio == 4.0
    assert math.isnan(pair(record("a.log", [8.0]), record("b.log", [2.0], first_step=10)).first_ratio)


@pytest.mark.parametrize(
    ("loss", "broken", "onset"),
    [
        ([2.0, 1.9, 1.8, 1.7], False, None),
        ([2.0, NAN, NAN, NAN], True, 10),
        ([2.0, NAN, 1.8, 1.7], False, 10),
        ([2.0, 1.9, 1.8, 1.7, 1.6, NAN, NAN], True, 50),
        ([2.0, 0.0, 0.0, 0.0], True, 10),
    ],
)
def test_a_run_is_broken_that_ends_without_valid_losses(loss: list[float], broken: bool, onset: int | None) -> None:
    one = pair(record("a.log", loss), record("b.log", [2.0])).one
    assert one.is_broken is broken
    assert one.onset == onset


def test_columns_of_runs_are_compared_and_columns_of_quantities_are_not() -> None:
    def table(**columns: list[float]) -> Measured:
        series = {name: make_series(name, range(4), values) for name, values in columns.items()}
        return Measured(RunRecord("t", series=series, files=("t.csv",)))

    same = [3.0, 2.5, 2.2, 2.1]
    assert [found.is_identical for found in table(baseline=same, run_b=same).pairs] == [True]
    assert table(height=same, weight=same).pairs == ()
    assert table(baseline=same, run_b=[300.0, 250.0, 220.0, 210.0]).pairs == ()


def test_a_flat_curve_is_not_called_identical() -> None:
    assert not pair(record("a.log", [2.0] * 5), record("b.log", [2.0] * 5)).is_identical


def result(at: int, value: float, **settings: str) -> Result:
    return Result(tuple(settings.items()), (("final_loss", value),), Source("t.csv", at))


def test_rows_of_results_differ_in_one_setting() -> None:
    rows = (result(2, 0.9, run="packed", model="a"), result(3, 0.8, run="unpacked", model="a"))
    ((one, other),) = result_pairs(rows, "packing")
    assert (one.value, one.loss, other.value, other.loss, one.beside) == ("packed", 0.9, "unpacked", 0.8, " with a")
    assert not list(result_pairs((rows[0], result(3, 0.8, run="unpacked", model="b")), "packing"))
    assert not list(result_pairs(rows, "precision"))


def test_losses_by_length_are_in_order() -> None:
    rows = (result(2, 5.0, seq_length="4096"), result(3, 2.0, seq_length="512"), result(4, 2.0, seq_length="many"))
    points = losses_by_length(Measured(RunRecord("t", results=rows)))
    assert [(point.length, point.loss) for point in points] == [(512.0, 2.0), (4096.0, 5.0)]


@pytest.mark.parametrize(
    ("name", "other", "factor"),
    [
        ("train_eager.log", "train_compiled.log", "kernel"),
        ("train_eager.log", "train_flash.log", "attention"),
        ("train_eager.log", "train_liger.log", "kernel"),
    ],
)
def test_eager_is_the_plain_path_of_what_stands_opposite(name: str, other: str, factor: str) -> None:
    assert list(pair(record(name, [2.0, 1.9, 1.8]), record(other, [2.1, 2.0, 1.9])).factors) == [factor]
