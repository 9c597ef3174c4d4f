"""The same questions to an index and to a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fixes.tiny import pairs
from tests.validation.conftest import Clinic
from tests.validation.zoo import write_pairs
from trainclinic.cli.app import app

pytestmark = pytest.mark.slow  # models are loaded and asked


pytest.importorskip("bm25s")


def told(tmp_path: Path, model: Path) -> dict:
    data = write_pairs(tmp_path / "rows.jsonl", pairs())
    result = CliRunner().invoke(app, ["index", str(data), "-o", str(tmp_path / "i"), "--against", str(model), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["against"]


def test_the_index_is_nearer_than_a_base_that_never_learned_the_answers(tmp_path: Path, clinic: Clinic) -> None:
    found = told(tmp_path, clinic.base)
    assert "answering from the data is nearer to the expected answers" in found["says"]
    exact = found["scores"][0]
    assert exact["metric"] == "exact match"
    assert sum(exact["index"]) > 0.5 * len(exact["index"])
    assert sum(exact["model"]) == 0


def test_a_model_that_learned_the_answers_is_not_called_worse(tmp_path: Path, clinic: Clinic) -> None:
    found = told(tmp_path, clinic.adapter)
    assert "answering from the data is nearer" not in found["says"]
    one = found["answers"][0]
    assert set(one) == {"question", "expected", "model", "index"}
