"""The public API: what `trainclinic.diagnose` takes and what it gives back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import trainclinic
from trainclinic.diagnosis.workers import judge_all
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series


def record(name: str, losses: list[float]) -> RunRecord:
    steps = np.arange(10, 10 * len(losses) + 1, 10)
    return RunRecord(name=name, series={"train/loss": make_series("train/loss", steps, losses)})


SICK = record("sick", [2.0, 1.9, float("nan"), float("nan"), float("nan")])
HEALTHY = record("healthy", [1.0 + 2.0 * 0.99**n for n in range(120)])


def test_a_record_in_memory_is_diagnosed() -> None:
    diagnosis = trainclinic.diagnose(SICK)
    assert diagnosis.record is SICK
    assert diagnosis.verdict.word == "sick"
    assert diagnosis.findings == diagnosis.runs[0].findings
    assert "nan-loss" in [finding.entry.rule.slug for finding in diagnosis.runs[0].present]


def test_paths_and_records_can_be_mixed(tmp_path: Path) -> None:
    rows = [{"step": 10 * n, "loss": 2.0} for n in range(1, 9)]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": rows}))
    diagnosis = trainclinic.diagnose([SICK, tmp_path])
    assert [run.record.name for run in diagnosis.runs] == ["sick", tmp_path.name]


def test_the_verdict_on_several_runs_is_that_of_the_sick_one() -> None:
    assert trainclinic.diagnose([HEALTHY, SICK]).verdict.word == "sick"
    assert trainclinic.diagnose([HEALTHY, HEALTHY]).verdict.word == "healthy"


def test_it_says_itself_in_a_line_per_run() -> None:
    lines = str(trainclinic.diagnose([HEALTHY, SICK])).splitlines()
    assert [line.split(",")[0] for line in lines] == ["healthy: healthy", "sick: sick"]


def test_in_a_notebook_it_is_a_page_in_a_frame() -> None:
    shown = trainclinic.diagnose(SICK)._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "<script" not in shown, "the page is escaped into the attribute"


def test_the_dictionary_is_the_json_report() -> None:
    diagnosis = trainclinic.diagnose(SICK)
    assert diagnosis.to_dict() == json.loads(diagnosis.render("json"))
    assert diagnosis.to_dict()["schema"] == "trainclinic.diagnosis.v1"


def test_a_missing_path_is_an_error_a_user_understands(tmp_path: Path) -> None:
    from trainclinic.record.errors import ReadError

    with pytest.raises(ReadError, match="does not exist"):
        trainclinic.diagnose(tmp_path / "nowhere")


def test_nothing_to_diagnose_is_an_error() -> None:
    from trainclinic.record.errors import ReadError

    with pytest.raises(ReadError):
        trainclinic.diagnose([])


def test_several_processes_judge_like_one() -> None:
    records = [SICK, HEALTHY, SICK]
    one, two = judge_all(records, jobs=1), judge_all(records, jobs=2)
    assert [judged.verdict for judged in two] == [judged.verdict for judged in one]
    assert [[f.verdict for f in judged.findings] for judged in two] == [
        [f.verdict for f in judged.findings] for judged in one
    ]
    assert all(judged.document is not None for judged in two)
