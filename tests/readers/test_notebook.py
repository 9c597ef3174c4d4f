"""Notebooks: tables of callbacks in their spellings, what stands around them, torn files, and the code beside the outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainclinic.diagnosis.diagnose import diagnose
from trainclinic.readers.collect import collect
from trainclinic.readers.file import LogFile
from trainclinic.readers.formats.notebook import READER

HERE = Path(__file__).parent / "notebook"


def table(head: list[str], rows: list[list[str]], before: str = "") -> dict[str, Any]:
    cells = "".join(f"<th>{name}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    page = f"<div>{before}</div><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table><p>"
    return {"output_type": "display_data", "data": {"text/html": [page], "text/plain": ["<IPython.core.display.HTML>"]}}


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


def error(name: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": "no", "traceback": [f"\x1b[0;31m{name}\x1b[0m: no"]}


def notebook(path: Path, *cells: list[dict[str, Any]], source: str = "") -> Path:
    listed = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": outputs} for outputs in cells]
    path.write_text(json.dumps({"cells": listed, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1))
    return path


def test_the_table_of_unsloth_gives_rewards_and_the_plan(tmp_path: Path) -> None:
    head = ["Step", "Training Loss", "reward", "completions / mean_length", "kl"]
    drawn = table(
        head,
        [["1", "0.000000", "0.25", "120.5", "0.0"], ["2", "nan", "0.50", "118.0", "0.1"]],
        "<progress value='2' max='60'></progress> [ 2/60 00:12 &lt; 05:48, 0.17 it/s, Epoch 0.03/1]",
    )
    again = table(head, [["1", "0.000000", "0.25", "120.5", "0.0"]])
    (record,) = collect(notebook(tmp_path / "grpo.ipynb", [stream("starting\n"), again, drawn])).records
    assert [str(value) for value in record.series["train/loss"].value] == ["0.0", "nan"]
    assert record.series["completions/length"].value.tolist() == [120.5, 118.0]
    assert record.series["policy/kl"].unit == "nats"
    assert str(record.series["train/loss"].source(1)) == "grpo.ipynb[cell 1]:6"
    assert record.facts.number("planned_steps") == 60
    assert record.facts.number("final_step") == 2
    assert record.series["time/elapsed"].value.tolist() == [12.0]


def test_a_table_of_fastai_counts_epochs_and_its_metrics_are_of_evaluation(tmp_path: Path) -> None:
    head = ["epoch", "train_loss", "valid_loss", "accuracy", "time"]
    drawn = table(head, [["0", "0.52", "0.31", "0.87", "00:39"], ["1", "0.32", "#na#", "0.89", "00:38"]])
    (record,) = collect(notebook(tmp_path / "learn.ipynb", [drawn])).records
    assert record.axis == "epoch"
    assert record.series["eval/accuracy"].value.tolist() == [0.87, 0.89]
    assert record.series["eval/loss"].value.tolist() == [0.31]
    assert record.series["seconds_per_epoch"].value.tolist() == [39.0, 38.0]
    assert not record.damage


def test_a_training_loss_that_is_shown_again_at_an_evaluation_is_kept_once_and_counted(tmp_path: Path) -> None:
    head = ["Step", "Training Loss", "Validation Loss", "F1"]
    rows = [["5", "No log", "2.5", "0.1"], ["10", "2.4", "2.3", "0.2"], ["15", "2.4", "2.2", "0.3"]]
    (record,) = collect(notebook(tmp_path / "run.ipynb", [table(head, rows)])).records
    series = record.series["train/loss"]
    assert (series.step.tolist(), series.value.tolist()) == ([10], [2.4])
    assert record.series["eval_f1"].value.tolist() == [0.1, 0.2, 0.3]
    (damage,) = record.damage
    assert damage.says == "cell 1: training loss shown again at an evaluation, kept where it was shown first"
    assert (damage.count, damage.source.line) == (1, 4)


def test_a_loss_that_is_nan_twice_in_a_table_is_nan_twice(tmp_path: Path) -> None:
    rows = [["5", "nan", "2.5"], ["10", "nan", "nan"]]
    drawn = table(["Step", "Training Loss", "Validation Loss"], rows)
    (record,) = collect(notebook(tmp_path / "run.ipynb", [drawn])).records
    assert [str(value) for value in record.series["train/loss"].value] == ["nan", "nan"]
    assert [str(value) for value in record.series["eval/loss"].value] == ["2.5", "nan"]


def test_a_cell_that_cannot_be_read_as_a_number_is_counted(tmp_path: Path) -> None:
    (record,) = collect(
        notebook(tmp_path / "run.ipynb", [table(["Step", "Training Loss"], [["1", "2.5"], ["2", "?"], ["3", "2.1"]])])
    ).records
    assert record.series["train/loss"].step.tolist() == [1, 3]
    assert [(damage.says, damage.count) for damage in record.damage] == [
        ("cell 1: cell of a table that cannot be read as a number", 1)
    ]


def test_a_table_of_data_is_no_training_table(tmp_path: Path) -> None:
    frame = table(["", "step", "loss"], [["0", "a", "b"]])
    path = notebook(tmp_path / "run.ipynb", [frame], [stream("step 1: train loss 2.5\nstep 2: train loss 2.4\n")])
    (record,) = collect(path).records
    assert record.files == ("run.ipynb[cell 2]",)


def test_settings_of_earlier_cells_belong_to_the_run_and_failures_of_other_cells_do_not(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "run.ipynb",
        [stream("learning_rate: 2e-05\n")],
        [error("NameError")],
        [table(["Step", "Training Loss"], [["1", "2.5"], ["2", "2.4"]]), error("RuntimeError")],
        [error("ValueError")],
    )
    (record,) = collect(path).records
    assert record.facts.number("learning_rate") == 2e-5
    assert str(record.facts.get("learning_rate").source) == "run.ipynb[cell 1]:1 `learning_rate`"  # type: ignore[union-attr]
    assert [(event.kind, event.says, str(event.source)) for event in record.events] == [
        ("exception", "RuntimeError: no", "run.ipynb[cell 3]:4")
    ]


def test_a_notebook_in_which_nothing_was_trained_tells_of_its_failure(tmp_path: Path) -> None:
    (record,) = collect(notebook(tmp_path / "run.ipynb", [error("RuntimeError")])).records
    assert [event.kind for event in record.events] == ["exception"]


def test_an_evaluation_behind_the_training_is_no_run_of_its_own() -> None:
    (record,) = collect(HERE / "callback_table" / "callback_table.ipynb").records
    assert len(record.series["eval/loss"]) == 5
    assert record.axis == "step"


def test_a_torn_notebook_is_read_up_to_the_tear_and_the_tear_is_counted(tmp_path: Path) -> None:
    whole = (HERE / "callback_table" / "callback_table.ipynb").read_text()
    path = tmp_path / "torn.ipynb"
    path.write_text(whole[: whole.rindex("trainer.evaluate()")])
    (record,) = collect(path).records
    assert len(record.series["train/loss"]) == 4
    (damage,) = record.damage
    assert (damage.says, damage.count) == ("notebook is torn, the cells after the tear are lost", 1)


def test_a_notebook_of_format_3_is_read(tmp_path: Path) -> None:
    output = {"output_type": "stream", "stream": "stdout", "text": "step 1: loss 2.5\nstep 2: loss 2.4\n"}
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": "", "outputs": [output]}]}], "nbformat": 3}
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old))
    (record,) = collect(path).records
    assert record.series["train/loss"].value.tolist() == [2.5, 2.4]


def test_bars_that_rewrite_their_line_over_several_outputs_are_one_line(tmp_path: Path) -> None:
    pieces = [f"\rtraining: {at * 10}%|#| {at}/10 [00:0{at}<00:09, 1.0it/s, loss={3 - at / 10}]" for at in range(1, 6)]
    path = notebook(tmp_path / "bars.ipynb", [stream(piece) for piece in pieces])
    (record,) = collect(path).records
    series = record.series["train/loss"]
    assert series.value.tolist() == [2.9, 2.8, 2.7, 2.6, 2.5]
    assert str(series.source(4)) == "bars.ipynb[cell 1]:1"


def test_code_and_outputs_of_one_notebook_both_reach_the_diagnosis(tmp_path_factory: pytest.TempPathFactory) -> None:
    source = (
        "from transformers import AutoModelForCausalLM, Trainer, TrainingArguments\n"
        "model = AutoModelForCausalLM.from_pretrained('gpt2')\n"
        "args = TrainingArguments('out', learning_rate=0.003, seed=7)\n"
        "Trainer(model, args, train_dataset=rows).train()\n"
    )
    shown = table(["Step", "Training Loss"], [["1", "2.5"], ["2", "2.4"]])
    path = notebook(tmp_path_factory.mktemp("run") / "run.ipynb", [shown], source=source)
    (run,) = diagnose(path, data=()).runs
    assert run.record.series["train/loss"].value.tolist() == [2.5, 2.4]
    assert run.record.facts.number("seed") == 7


def test_a_notebook_is_known_by_its_ending_even_when_its_head_holds_only_widgets(tmp_path: Path) -> None:
    path = tmp_path / "run.ipynb"
    path.write_text('{"metadata": {"widgets": "' + "x" * 70_000 + '"}, "cells": []}')
    assert READER.sniff(LogFile(path)) == 1.0
    other = tmp_path / "run.json"
    other.write_text('{"a": 1}')
    assert READER.sniff(LogFile(other)) == 0.0
