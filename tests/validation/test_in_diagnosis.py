"""The finished model of a run as evidence: `diagnose --model`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.validation.conftest import Clinic
from tests.validation.zoo import edited
from trainclinic.cli.app import app
from trainclinic.diagnosis.diagnose import diagnose
from trainclinic.record.errors import TrainclinicError

pytestmark = pytest.mark.slow  # models are loaded and asked


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A healthy-looking log."""
    rows = [{"step": step, "loss": 5.0 * 0.97**step + 0.3, "learning_rate": 1e-4} for step in range(1, 60)]
    path = tmp_path / "run" / "train.jsonl"
    path.parent.mkdir()
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def _with_nan(tensors):
    tensors["model.norm.weight"][0] = float("nan")


def test_weights_that_are_no_numbers_make_a_smooth_run_sick(log: Path, clinic: Clinic, tmp_path: Path) -> None:
    broken = edited(clinic.full, tmp_path / "broken", _with_nan)
    assert diagnose(log, data=()).verdict.word != "sick"
    found = diagnose(log, data=(), model=str(broken))
    present = {one.entry.rule.slug for one in found.findings if one.is_present}
    assert {"non-finite-model-weights", "non-finite-weights"} <= present
    assert found.verdict.word == "sick"


def test_a_model_that_is_its_base_counts_as_unchanged_weights(log: Path, clinic: Clinic) -> None:
    found = diagnose(log, data=[clinic.held_out], model=str(clinic.base), base=str(clinic.base))
    present = {one.entry.rule.slug for one in found.findings if one.is_present}
    assert {"weights-equal-to-the-base", "unchanged-weights", "endless-generation"} <= present
    assert [event.kind for event in found.record.events if event.kind == "stop-probability"]


def test_answers_of_the_model_join_the_record_at_its_last_step(log: Path, clinic: Clinic) -> None:
    found = diagnose(log, data=[clinic.held_out], model=str(clinic.full), base=str(clinic.base))
    assert {one.step for one in found.record.generations} == {59}
    assert all(one.output for one in found.record.generations)
    assert not any(one.entry.rule.code.startswith(("VAL", "GEN")) for one in found.runs[0].present)


def test_a_model_belongs_to_one_run(log: Path, clinic: Clinic) -> None:
    other = log.parent.parent / "other"
    other.mkdir()
    (other / "train.jsonl").write_text(log.read_text())
    with pytest.raises(TrainclinicError, match="a model belongs to one"):
        diagnose([log.parent, other], data=(), model=str(clinic.full))


def test_the_command_weighs_a_model(log: Path, clinic: Clinic) -> None:
    arguments = ["diagnose", str(log), "--no-data", "--model", str(clinic.full), "--format", "json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    looked = {one["code"] for one in json.loads(result.output)["absent"]}
    assert {"VAL001", "GEN801"} <= looked
