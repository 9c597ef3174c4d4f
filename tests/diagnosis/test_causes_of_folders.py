"""Folders with several files, from reading to causes: what a comparison or a check says decides, thin evidence does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainclinic.catalogue.verdict import Present
from trainclinic.causes.infer import Suspect
from trainclinic.causes.knowledge import UNKNOWN
from trainclinic.diagnosis.diagnose import Diagnosis, RunDiagnosis, diagnose

GOOD = [2.62, 2.55, 2.53, 2.47, 2.44, 2.37, 2.35, 2.29]


def rows(losses: list[float], *header: str, first: int = 1) -> str:
    """A console log with a row every ten steps from step `first` on."""
    lines = [f"step {first + 10 * n}: loss {loss:.4f}" for n, loss in enumerate(losses)]
    return "\n".join([*header, *lines, ""])


def folder_of(folder: Path, files: dict[str, str]) -> Diagnosis:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return diagnose(folder)


def first(run: RunDiagnosis) -> Suspect:
    return next(suspect for suspect in run.inference.suspects if suspect.cause.slug != UNKNOWN)


def reasons(suspect: Suspect) -> set[str]:
    return {weighed.answer.slug for weighed in suspect.supporting}


GPT2 = ("model_name: gpt2", "learning_rate: 5e-05")
ON_A_MAC = {
    "train_mps.log": rows([0.3 * loss for loss in GOOD], "device: mps", *GPT2),
    "train_cpu.log": rows(GOOD, "device: cpu", *GPT2),
}
ACCUMULATING = "gradient_accumulation_steps: 4"
UPGRADE = {
    "train_v4.46.0.log": rows([4 * loss for loss in GOOD], ACCUMULATING, *GPT2),
    "train_v4.45.2.log": rows(GOOD, ACCUMULATING, *GPT2),
}
KERNELS = {
    "train_fused.log": rows([2.62] + [float("nan")] * 7, *GPT2),
    "train_eager.log": rows(GOOD, *GPT2),
}

SHIFTED = rows([9.20, 7.40, 7.02, 6.80, 6.71, 6.66, 6.64, 6.63], *GPT2)
OVERFLOWING = rows([2.62, 2.55, 2.53, 2.50, 2.49, 2.47, float("nan"), float("nan")], "fp16: True", *GPT2)
COMPARISONS = [
    pytest.param(ON_A_MAC, "train_mps.log", "loss-differing-between-devices", "mps-instability", id="CPU beside MPS"),
    pytest.param(
        UPGRADE,
        "train_v4.46.0.log",
        "loss-differing-between-releases",
        "gradient-accumulation-misnormalisation",
        id="before and after an upgrade",
    ),
    pytest.param(
        KERNELS,
        "train_fused.log",
        "loss-differing-between-kernels",
        "fused-or-compiled-kernel-defect",
        id="fused beside eager",
    ),
]
CHECKS = [
    pytest.param(
        {"train.log": SHIFTED},
        {"shift_check.txt": "shift 0: 9.80\nshift 1: 3.61\nshift 2: 9.20\nmodel loss: 9.20\n"},
        "lower-loss-at-other-shift",
        "double-label-shift",
        id="loss by shift",
    ),
    pytest.param(
        {"train.log": OVERFLOWING},
        {"hook_report.txt": "decoder.block.2.wo max abs 812.0\ndecoder.block.3.wo max abs 70112.0\n"},
        "activation-beyond-float16",
        "fp16-range-overflow",
        id="largest activation",
    ),
]
THIN = {
    "packages only": {"requirements.txt": "torch==2.5.1\ntransformers==4.46.3\npeft==0.13.2\naccelerate==1.1.1\n"},
    "three rows": {"train.log": rows([2.31, 2.28, 2.30])},
    "a crash without rows": {
        "train.log": "Loading checkpoint shards: 100%\nTraceback (most recent call last):\n"
        '  File "train.py", line 88, in <module>\n    trainer.train()\n'
        "RuntimeError: expected scalar type Half but found Float\n"
    },
}


@pytest.mark.parametrize(("files", "told_first", "finding", "cause"), COMPARISONS)
def test_a_second_log_decides_what_the_first_leaves_open(
    files: dict[str, str], told_first: str, finding: str, cause: str, tmp_path: Path
) -> None:
    broken = folder_of(tmp_path / "both", files).runs[0]
    assert broken.record.name == told_first
    assert first(broken).cause.slug == cause
    assert finding in reasons(first(broken))
    (alone,) = folder_of(tmp_path / "alone", {told_first: files[told_first]}).runs
    assert first(alone).cause.slug != cause or first(alone).probability < first(broken).probability


@pytest.mark.parametrize("files", [ON_A_MAC, UPGRADE, KERNELS])
def test_the_good_run_of_a_comparison_is_not_called_sick(files: dict[str, str], tmp_path: Path) -> None:
    broken, good = folder_of(tmp_path, files).runs
    assert broken.verdict.word == "sick"
    assert good.verdict.word != "sick"


@pytest.mark.parametrize(("log", "report", "finding", "cause"), CHECKS)
def test_what_a_check_printed_decides(
    log: dict[str, str], report: dict[str, str], finding: str, cause: str, tmp_path: Path
) -> None:
    (open_run,) = folder_of(tmp_path / "log", log).runs
    (run,) = folder_of(tmp_path / "checked", log | report).runs
    assert first(run).cause.slug == cause
    assert first(run).probability > 0.9
    assert finding in reasons(first(run))
    probable = {suspect.cause.slug: suspect.probability for suspect in open_run.inference.suspects}
    assert probable.get(cause, 0.0) < first(run).probability, "a proof may say more than a curve"


@pytest.mark.parametrize("name", THIN)
def test_thin_evidence_accuses_nothing_and_says_what_to_look_at(name: str, tmp_path: Path) -> None:
    (run,) = folder_of(tmp_path, THIN[name]).runs
    assert run.verdict.word == "undetermined"
    assert all(s.probability < 0.5 for s in run.inference.suspects)
    assert run.inference.next_tests
    assert all(test.question and test.how for test in run.inference.next_tests)


def test_without_a_curve_a_run_is_not_called_ordinary(tmp_path: Path) -> None:
    for name in ("packages only", "a crash without rows"):
        (run,) = folder_of(tmp_path / name.replace(" ", "-"), THIN[name]).runs
        assert "normal-convergence" not in [suspect.cause.slug for suspect in run.inference.suspects]


def test_causes_travel_between_processes_unchanged(tmp_path: Path) -> None:
    folder_of(tmp_path, KERNELS | {"train_other.log": SHIFTED})
    here, apart = diagnose(tmp_path, jobs=1), diagnose(tmp_path, jobs=2)
    assert [run.record.name for run in apart.runs] == [run.record.name for run in here.runs]
    for one, other in zip(here.runs, apart.runs, strict=True):
        assert other.answers == one.answers
        assert any(isinstance(answer.verdict, Present) for answer in other.answers)
        assert other.verdict == one.verdict
        inference, came_back = one.inference, other.inference
        for part in ("suspects", "ruled_out", "next_tests", "healthy_probability", "capped"):
            assert getattr(came_back, part) == getattr(inference, part), part
        assert np.array_equal(came_back.ledger.weights, inference.ledger.weights)
        assert np.array_equal(came_back.ledger.probability, inference.ledger.probability)
    assert apart.to_dict()["runs"] == here.to_dict()["runs"]
