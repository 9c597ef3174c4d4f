"""`trainclinic prescribe` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from trainclinic import diagnose
from trainclinic.cli.app import app
from trainclinic.recipe.read import read_recipe

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["prescribe", *arguments])


def test_it_writes_every_file_and_says_what_comes_next(tmp_path):
    result = run(str(EXAMPLES / "report-b"), "-o", str(tmp_path / "fixed"))
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "fixed").iterdir()}
    assert names == {"PLAN.md", "recipe.yaml", "finetune_fixed.py", "colab.ipynb", "validate_model.py"}
    assert "change 1  Pass unshifted labels to the model" in result.stdout
    assert "python finetune_fixed.py --quick-test" in result.stdout
    json.loads((tmp_path / "fixed" / "colab.ipynb").read_text())
    assert read_recipe(tmp_path / "fixed" / "recipe.yaml").loss.shifted_by == "model"


def test_files_that_were_changed_are_not_written_over(tmp_path):
    where = str(tmp_path / "fixed")
    assert run(str(EXAMPLES / "report-b"), "-o", where).exit_code == 0
    assert run(str(EXAMPLES / "report-b"), "-o", where).exit_code == 0, "the same again is no loss"
    plan = tmp_path / "fixed" / "PLAN.md"
    plan.write_text("my notes")
    refused = run(str(EXAMPLES / "report-b"), "-o", where)
    assert refused.exit_code == 2
    assert "holds `PLAN.md` with other contents" in refused.stderr
    assert plan.read_text() == "my notes"
    assert run(str(EXAMPLES / "report-b"), "-o", where, "--force").exit_code == 0
    assert plan.read_text() != "my notes"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    result = run(str(EXAMPLES / "report-b"), "-o", str(tmp_path / "taken" / "fixed"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_what_cannot_be_read_is_an_error(tmp_path):
    assert run(str(tmp_path / "nothing"), "-o", str(tmp_path / "fixed")).exit_code == 2


def test_the_data_of_a_run_are_read_by_its_script(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("\n".join(json.dumps({"q": f"question {n}?", "a": f"answer {n}."}) for n in range(30)))
    result = run(str(EXAMPLES / "report-b"), "--data", str(rows), "-o", str(tmp_path / "fixed"))
    assert result.exit_code == 0, result.output
    recipe = yaml.safe_load((tmp_path / "fixed" / "recipe.yaml").read_text())
    assert recipe["data"]["train"] == str(rows)
    assert (recipe["data"]["question_field"], recipe["data"]["answer_field"]) == ("q", "a")


@pytest.mark.parametrize("name", ["report-a", "report-b"])
def test_the_same_run_gets_the_same_files(name):
    from trainclinic.fixes.files.write import files_of

    first, second = (files_of(diagnose(EXAMPLES / name).runs[0].prescription) for _ in range(2))
    assert first == second
