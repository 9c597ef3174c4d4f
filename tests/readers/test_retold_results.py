"""Result files and model cards beside a log belong to its run, at the steps where they are true."""

from __future__ import annotations

import json
from pathlib import Path

from trainclinic.readers.collect import collect

LOG = [{"step": step, "loss": 3 - step / 100, "epoch": step / 100} for step in range(10, 101, 10)]
CARD = """### Training hyperparameters

- learning_rate: 2e-05

### Training results

| Training Loss | Epoch | Step | Validation Loss |
|:-------------:|:-----:|:----:|:---------------:|
| 2.6           | 0.5   | 55   | 2.5             |
| 2.1           | 1.0   | 100  | 2.2             |
"""


def write(folder: Path, *, evaluated: bool, results: bool = False, card: bool = False, log: bool = True) -> None:
    rows = [*LOG, {"step": 55, "eval_loss": 2.5}, {"step": 100, "eval_loss": 2.2}] if evaluated else LOG
    if log:
        (folder / "trainer_state.json").write_text(json.dumps({"log_history": rows}))
    if results:
        (folder / "all_results.json").write_text(json.dumps({"eval_loss": 2.2, "train_loss": 2.5, "epoch": 1.0}))
        (folder / "train_results.json").write_text(json.dumps({"train_loss": 2.5, "epoch": 1.0}))
    if card:
        (folder / "README.md").write_text(CARD)


def test_an_evaluation_after_the_last_row_is_at_the_last_step(tmp_path: Path) -> None:
    write(tmp_path, evaluated=False, results=True)
    (record,) = collect(tmp_path).records
    series = record.series["eval/loss"]
    assert (series.step.tolist(), series.value.tolist(), series.files) == ([100], [2.2], ("all_results.json",))
    assert record.facts.number("final_train_loss") == 2.5


def test_an_evaluation_that_the_log_has_is_not_there_twice(tmp_path: Path) -> None:
    write(tmp_path, evaluated=True, results=True)
    (record,) = collect(tmp_path).records
    assert record.series["eval/loss"].step.tolist() == [55, 100]
    assert record.series["eval/loss"].files == ("trainer_state.json",)


def test_the_training_loss_of_a_card_does_not_enter_the_log(tmp_path: Path) -> None:
    write(tmp_path, evaluated=True, card=True)
    (record,) = collect(tmp_path).records
    assert record.series["train/loss"].files == ("trainer_state.json",)
    assert record.facts.number("learning_rate") == 2e-5


def test_a_card_alone_is_a_coarse_log(tmp_path: Path) -> None:
    write(tmp_path, evaluated=False, card=True, log=False)
    (record,) = collect(tmp_path).records
    assert record.series["train/loss"].step.tolist() == [55, 100]
    assert record.series["eval/loss"].value.tolist() == [2.5, 2.2]


def test_a_result_file_alone_is_a_record_without_steps(tmp_path: Path) -> None:
    write(tmp_path, evaluated=False, results=True, log=False)
    (record,) = collect(tmp_path).records
    assert record.axis == "row"
    assert record.series["eval/loss"].value.tolist() == [2.2]
