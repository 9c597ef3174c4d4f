"""The flight recorder: strict JSON, one write a line, readable after a kill, one writer."""

# ruff: noqa: ARG005
from __future__ import annotations

import json
import os

import pytest

from trainclinic.guard.recorder import FlightRecorder

from .conftest import lines_of


def test_values_that_json_has_no_word_for_are_text(tmp_path):
    recorder = FlightRecorder(tmp_path)
    recorder.write(
        "step", {"step": 1, "loss": float("nan"), "grad_norm": float("inf"), "epoch": -float("inf"), "rows": None}
    )
    recorder.write("layers", {"step": 1, "grad_norm": {"layers.0": float("nan")}})
    step, layers = lines_of(tmp_path)
    assert (step["loss"], step["grad_norm"], step["epoch"]) == ("NaN", "Infinity", "-Infinity")
    assert "rows" not in step
    assert layers["grad_norm"] == {"layers.0": "NaN"}


def test_every_line_is_one_write_of_the_operating_system(tmp_path, monkeypatch):
    written = []
    recorder = FlightRecorder(tmp_path)
    monkeypatch.setattr(os, "write", lambda file, data: written.append(data) or len(data))
    recorder.write("step", {"step": 1, "loss": 2.0})
    recorder.write("step", {"step": 2, "loss": 1.5})
    assert [line.count(b"\n") for line in written] == [1, 1]
    assert all(line.endswith(b"\n") for line in written)


def test_half_a_line_of_a_killed_process_costs_that_line_only(tmp_path):
    FlightRecorder(tmp_path).write("step", {"step": 1})
    with (tmp_path / "flight.jsonl").open("a") as file:
        file.write('{"kind": "step", "st')
    FlightRecorder(tmp_path).write("step", {"step": 2})
    first, torn, second = (tmp_path / "flight.jsonl").read_text().splitlines()
    assert json.loads(first)["step"] == 1
    assert json.loads(second)["step"] == 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(torn)


def test_a_line_that_a_full_disk_cut_does_not_swallow_the_next_one(tmp_path, monkeypatch):
    recorder = FlightRecorder(tmp_path)
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:10]))
    recorder.write("step", {"step": 1})
    monkeypatch.undo()
    recorder.write("step", {"step": 2})
    assert json.loads((tmp_path / "flight.jsonl").read_text().splitlines()[-1])["step"] == 2


def test_the_head_stands_before_the_first_line_and_again_after_a_resume(tmp_path):
    for rate in (1e-4, 2e-4):
        recorder = FlightRecorder(tmp_path)
        recorder.head({"learning_rate": 1.0})
        recorder.head({"learning_rate": rate, "seed": None})
        recorder.write("step", {"step": 1})
        recorder.close()
    assert [row["kind"] for row in lines_of(tmp_path)] == ["head", "step", "head", "step"]
    head = lines_of(tmp_path, "head")[1]
    assert head["format"] == "trainclinic.flight.v1"
    assert head["facts"] == {"learning_rate": 2e-4}


def test_only_the_first_process_makes_a_file(tmp_path):
    recorder = FlightRecorder(tmp_path / "out", writes=False)
    recorder.head({"seed": 1})
    recorder.write("step", {"step": 1})
    assert not (tmp_path / "out").exists()
