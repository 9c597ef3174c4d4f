"""`trainclinic validate` as a user types it."""

from __future__ import annotations

import json
import shutil
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from tests.validation.conftest import clinic  # noqa: F401 - a fixture

from trainclinic.cli.app import app
from trainclinic.report.validation.as_json import SCHEMA_FILE

pytestmark = pytest.mark.slow  # models are loaded and asked


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["validate", *map(str, arguments)])


@pytest.fixture(scope="module")
def base_report(clinic, tmp_path_factory):  # noqa: F811
    """Exit code and JSON report of the base under its own name, and of the fine-tuned model."""
    folder = tmp_path_factory.mktemp("reports")
    for name in ("base", "full"):
        run(getattr(clinic, name), "--data", clinic.held_out, "--quick", "-o", folder / f"{name}.json")
    return folder


@pytest.fixture(scope="module")
def nan(clinic, tmp_path_factory):  # noqa: F811
    """A model with one weight that is no number."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("nan") / "model"
    shutil.copytree(clinic.full, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_model_that_works_ends_with_zero(clinic):  # noqa: F811
    result = run(clinic.full, "--base", clinic.base, "--data", clinic.held_out, "--quick", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(" PASS ")
    assert "loss of held-out answers" in result.stdout
    assert "What colour is the" in result.stdout
    assert "seed                            3" in result.stdout
    assert "quick: up to" in result.stdout


def test_a_model_that_does_not_ends_with_one(nan):
    result = run(nan, "--quick")
    assert result.exit_code == 1
    assert result.stdout.startswith(" FAIL ")
    assert "VAL001" in result.stdout


def test_what_is_no_model_ends_with_two_and_a_hint(clinic, tmp_path):  # noqa: ARG001, F811 - needs the stack
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "hint:" in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.output


def test_too_little_to_tell_ends_with_three(clinic, tmp_path):  # noqa: F811
    (tmp_path / "one.txt").write_text("What colour is the cup?\n")
    result = run(clinic.full, "--prompts", tmp_path / "one.txt", "--quick")
    assert result.exit_code == 3
    assert result.stdout.startswith(" CANNOT TELL ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("model", "--quick", "--full"), "`--quick` and `--full` exclude each other"),
        ((), "Missing argument 'MODEL'"),
        (("model", "--device", "tpu"), "'tpu' is not one of"),
        (("model", "--data", "/nothing.jsonl"), "does not exist"),
        (("model", "--against", "/nothing.json"), "does not exist"),
    ],
)
def test_a_mistake_of_usage_ends_with_two(arguments, says):
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_template_that_is_neither_file_nor_name_ends_with_two(clinic):  # noqa: F811
    result = run(clinic.full, "--template", "no-such", "--quick")
    assert result.exit_code == 2
    assert "`no-such` is no template" in result.stderr
    assert "chatml" in result.stderr


def test_a_wrong_template_is_found_to_fit_worse(clinic):  # noqa: F811
    result = run(clinic.full, "--template", "alpaca", "--data", clinic.held_out, "--quick", "--format", "json")
    found = json.loads(result.stdout)
    losses = {one["name"]: one["value"] for one in found["measures"]}
    assert losses["loss of held-out answers"] > 0.3


@pytest.mark.parametrize(("form", "start"), [("md", "# ❌ "), ("html", "<!doctype html>"), ("json", "{")])
def test_every_format_is_printed(nan, form, start):
    result = run(nan, "--quick", "--format", form)
    assert result.exit_code == 1
    assert result.stdout.lower().startswith(start)
    assert "VAL001" in result.stdout


def test_json_on_stdout_is_nothing_but_the_document(clinic):  # noqa: F811
    result = run(clinic.full, "--data", clinic.held_out, "--quick", "--format", "json")
    found = json.loads(result.stdout)
    jsonschema.validate(found, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert found["verdict"] == "pass"


def test_a_page_is_written_to_a_file_and_the_verdict_to_the_terminal(nan, tmp_path):
    page = tmp_path / "report.html"
    result = run(nan, "--quick", "-o", page)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "fail: non finite model weights" in result.stderr
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_the_same_model_is_no_regression(clinic, base_report):  # noqa: F811
    before = base_report / "full.json"
    result = run(clinic.full, "--data", clinic.held_out, "--quick", "--against", before, "--format", "json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["against"], found["regressions"]) == ("full.json", [])
    assert all(one["earlier"] == pytest.approx(one["value"], abs=1e-6) for one in found["measures"])


def test_a_model_that_was_better_before_ends_with_one(clinic, base_report, tmp_path):  # noqa: F811
    before = json.loads((base_report / "full.json").read_text())
    _measure(before, "loss of held-out answers")["value"] = -1.0
    path = tmp_path / "before.json"
    path.write_text(json.dumps(before))
    result = run(clinic.full, "--data", clinic.held_out, "--quick", "--against", path)
    assert result.exit_code == 1
    assert "worse than in `before.json`: loss of held-out answers was -1 and is" in " ".join(result.stdout.split())


def test_a_worse_model_is_a_regression_in_every_respect(clinic, base_report):  # noqa: F811
    result = run(
        clinic.base, "--data", clinic.held_out, "--quick", "--against", base_report / "full.json", "--format", "json"
    )
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    said = " ".join(found["regressions"])
    for name in ("loss of held-out answers was", "probability of the end", "`improbable-end-token` is there and was"):
        assert name in said


def test_a_better_model_is_no_regression(clinic, base_report):  # noqa: F811
    result = run(
        clinic.full, "--data", clinic.held_out, "--quick", "--against", base_report / "base.json", "--format", "json"
    )
    assert (result.exit_code, json.loads(result.stdout)["regressions"]) == (0, [])


def test_a_comparison_of_unlike_tests_says_so(clinic, base_report, tmp_path):  # noqa: F811
    lines = clinic.held_out.read_text().splitlines()
    (tmp_path / "other.jsonl").write_text("\n".join(lines[:5]) + "\n")
    result = run(clinic.full, "--data", tmp_path / "other.jsonl", "--quick", "--against", base_report / "full.json")
    assert "the earlier report was made on other rows" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"schema": "trainclinic.data.v1"}', '{"schema": "trainclinic.validation.v1"}']
)
def test_what_is_no_earlier_report_ends_with_two_before_the_work(tmp_path, text):
    path = tmp_path / "before.json"
    path.write_text(text)
    result = run(tmp_path, "--quick", "--against", path)
    assert result.exit_code == 2
    assert "is no earlier report" in result.stderr
    assert "hint: write one with" in result.stderr


def _measure(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["measures"] if one["name"] == name)
