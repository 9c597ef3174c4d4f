"""Prescriptions of real incidents: every file that is written runs, and the model that comes out answers and stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainclinic import diagnose
from trainclinic.fixes.files.write import files_of

ROOT = Path(__file__).resolve().parents[2]
CASEBOOK = ROOT.parent / "shared" / "casebook" / "dev"
CASES = (
    "hf-24088",
    "ainode-186",
    "alpaca-lora-265",
    "bunny-75",
    "hf-8472",
    "jetmoe-37830",
    "llava-918",
    "nanoseek-compile",
    "swift-9452",
    "trl-3910",
    "trl-7230",
    "x04",
)
"""One each of scheduler, kernel, precision, mask, vocabulary, shift, rate, speed, adapter, packing, end token, rate."""
LEARNS = ("--max-steps", "120", "--learning-rate", "4e-3", "--device", "cpu")


def prescribed(folder: Path, into: Path) -> dict[str, str]:
    texts = files_of(diagnose(folder).runs[0].prescription)
    for name, text in texts.items():
        (into / name).write_text(text)
    return texts


def check_that_it_works(world, folder, run_script) -> None:
    rows = world.rows("text" if 'ANSWER_FIELD = "text"' in (folder / "finetune_fixed.py").read_text() else "messages")
    ran = run_script(folder / "finetune_fixed.py", "--model", str(world.llama), "--data", str(rows), *LEARNS)
    assert ran.status == 0, ran.text
    log = [json.loads(line) for line in (folder / "fixed-model.log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in log if "loss" in row]
    assert losses[-1] < 0.7 * losses[0], "the loss falls"
    validated = run_script(folder / "validate_model.py", "fixed-model")
    assert "the model works" in validated.text, validated.text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["report-a", "report-b"])
def test_the_files_of_both_founding_reports_run(name, world, tmp_path, run_script):
    prescribed(ROOT / "examples" / name, tmp_path)
    check_that_it_works(world, tmp_path, run_script)


@pytest.mark.slow
@pytest.mark.skipif(not CASEBOOK.is_dir(), reason="the casebook lies outside the repository")
@pytest.mark.parametrize("name", CASES)
def test_the_files_of_incidents_run(name, world, tmp_path, run_script):
    prescribed(CASEBOOK / name, tmp_path)
    check_that_it_works(world, tmp_path, run_script)


@pytest.fixture(scope="module")
def plans(tmp_path_factory) -> dict[str, str]:
    found = {}
    for name in ("report-a", "report-b"):
        found[name] = prescribed(ROOT / "examples" / name, tmp_path_factory.mktemp(name))["PLAN.md"]
    return found


@pytest.mark.parametrize(
    "says",
    [
        "First thing to do: pass unshifted labels to the model",
        "the first loss lies in 3.3-4.0 instead of 9.227, within the first 10 steps",
        "Resume from nothing",
        "Ignore all 5 checkpoints of this run: every one of them was trained on the wrong target",
        "- `batch.rows` (`8`)\n  - ruled out: batch too small",
        "- `text.max_length` (`256`)\n  - ruled out: context block too large",
        "- `optimizer.learning_rate` (`2.0e-05`)\n  - ruled out: learning rate too high",
    ],
)
def test_the_plan_of_report_b(plans, says):
    assert says in plans["report-b"]


@pytest.mark.parametrize(
    "says",
    [
        "on a CPU and on an Apple GPU the whole model; on CUDA let autocast compute in bfloat16, or in float16 with a "
        "gradient scaler",
        "near 2.231 instead of 14,578",
        "**Give padding a token of its own**",
        "**Append the end token to every answer**",
        "### Train on the CPU in float32",
        "### Choose another base model",
        "- against it: does not mend float16 weights, a pad token that is the end token",
        "| `precision.trained_weights` | `float16` | `float32` |",
    ],
)
def test_the_plan_of_report_a(plans, says):
    assert says in plans["report-a"]


def test_no_plan_blames_what_the_founding_reports_blamed(plans):
    for text in plans.values():
        now = text.partition("## What to change now")[2].partition("## Precautions")[0].partition("## What changes")[0]
        assert "learning rate" not in now.lower()
        assert "batch" not in now.lower().replace("on one batch", "")
