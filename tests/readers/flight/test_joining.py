"""A flight recorder beside the logs of the same run: one record, and its values win where a log hid something."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from trainclinic.readers.collect import collect

NAN = math.nan
STEPS = 60


def losses(nan_from: int = STEPS + 1, level: float = 2.5) -> list[float]:
    """One loss for each step, with a ripple so that neighbours differ; NaN from one step on."""
    return [level * 0.99**s + 0.02 * (s * 7 % 5) if s < nan_from else NAN for s in range(1, STEPS + 1)]


def write_flight(folder: Path, values: list[float]) -> None:
    rows: list[dict[str, Any]] = [
        {"kind": "head", "format": "trainclinic.flight.v1", "time": 1.0, "facts": {"seed": 3}}
    ]
    rows += [
        {"kind": "step", "step": s, "time": 1.0 + s, "loss": v if v == v else "NaN", "epoch": s / 20}
        for s, v in enumerate(values, start=1)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flight.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def logged(values: list[float], every: int) -> list[dict[str, float]]:
    """Rows as a trainer writes them: means over `every` steps, in which a filter replaced what is no number by 0."""
    rows = []
    for end in range(every, len(values) + 1, every):
        window = [0.0 if math.isnan(v) else v for v in values[end - every : end]]
        rows.append({"step": end, "loss": round(sum(window) / every, 4), "epoch": round(end / 20, 2)})
    return rows


def write_state(folder: Path, values: list[float], every: int) -> None:
    checkpoint = folder / f"checkpoint-{STEPS}"
    checkpoint.mkdir(parents=True)
    state = {"global_step": STEPS, "logging_steps": every, "log_history": logged(values, every)}
    (checkpoint / "trainer_state.json").write_text(json.dumps(state))


@pytest.mark.parametrize("every", [1, 5, 10])
@pytest.mark.parametrize("nan_from", [STEPS + 1, 33, 2])
def test_recorder_and_trainer_state_are_one_run_with_the_recorded_losses(
    tmp_path: Path, every: int, nan_from: int
) -> None:
    values = losses(nan_from)
    write_flight(tmp_path, values)
    write_state(tmp_path, values, every)
    (record,) = collect(tmp_path).records
    series = record.series["train/loss"]
    assert series.step.tolist() == list(range(1, STEPS + 1))
    assert [v if v == v else None for v in series.value] == [v if v == v else None for v in values]
    assert record.files == ("flight.jsonl", "checkpoint-60/trainer_state.json")
    assert record.facts.number("final_step") == STEPS, "what the trainer knows is kept"
    assert record.facts.number("seed") == 3


def test_what_a_log_hid_is_counted_at_the_row_that_hid_it(tmp_path: Path) -> None:
    values = losses(nan_from=33)
    write_flight(tmp_path, values)
    write_state(tmp_path, values, every=10)
    (record,) = collect(tmp_path).records
    (damage,) = record.damage
    assert "`flight.jsonl`" in damage.says
    assert damage.count == 3, "the rows of steps 40, 50 and 60"
    assert damage.source.path == "checkpoint-60/trainer_state.json"


def test_nothing_is_said_to_be_hidden_where_both_agree(tmp_path: Path) -> None:
    write_flight(tmp_path, losses())
    write_state(tmp_path, losses(), every=10)
    (record,) = collect(tmp_path).records
    assert record.damage == ()


def test_console_rows_without_steps_belong_to_the_recorded_run(tmp_path: Path) -> None:
    values = losses(nan_from=48)
    write_flight(tmp_path, values)
    rows = [{key: value for key, value in row.items() if key != "step"} for row in logged(values, 10)]
    (tmp_path / "train.log").write_text("".join(f"{row}\n" for row in rows))
    (record,) = collect(tmp_path).records
    assert record.files == ("flight.jsonl", "train.log")
    assert len(record.series["train/loss"]) == STEPS


def test_a_log_of_other_losses_in_the_same_folder_is_another_run(tmp_path: Path) -> None:
    write_flight(tmp_path, losses())
    write_state(tmp_path, losses(level=1.9), every=10)
    names = [record.files for record in collect(tmp_path).records]
    assert names == [("flight.jsonl",), ("checkpoint-60/trainer_state.json",)]


def test_a_recorder_of_another_folder_takes_no_part(tmp_path: Path) -> None:
    write_flight(tmp_path / "one", losses())
    write_state(tmp_path / "two", losses(), every=10)
    assert len(collect(tmp_path).records) == 2


def test_the_longer_run_stays_the_main_one(tmp_path: Path) -> None:
    write_flight(tmp_path / "short", losses()[:4])
    write_state(tmp_path / "long", losses(level=1.9), every=1)
    first, second = collect(tmp_path).records
    assert "long/checkpoint-60/trainer_state.json" in first.files or first.name == "long"
    assert second.files == ("short/flight.jsonl",)


def test_a_recorder_of_a_kill_at_any_byte_reads_what_was_written_whole(tmp_path: Path) -> None:
    write_flight(tmp_path, losses()[:3])
    whole = (tmp_path / "flight.jsonl").read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(ends[1], len(whole), 7):
        (tmp_path / "flight.jsonl").write_bytes(whole[:size])
        (record,) = collect(tmp_path).records
        complete = sum(end <= size or end == size + 1 for end in ends) - 1
        assert len(record.series["train/loss"]) == complete
        assert len(record.damage) == (0 if size in ends or size + 1 in ends else 1)


def test_memory_on_a_cpu_is_not_taken_for_that_of_an_accelerator(tmp_path: Path) -> None:
    for device, name in (("cpu", "memory/process"), ("cuda", "memory/allocated")):
        head = {"kind": "head", "format": "trainclinic.flight.v1", "time": 1.0, "facts": {"device": device}}
        rows = [head, {"kind": "step", "step": 1, "loss": 2.0, "memory": 5}]
        (tmp_path / "flight.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (record,) = collect(tmp_path).records
        assert record.series[name].value.tolist() == [5.0]
