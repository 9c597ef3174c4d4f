"""Settings are hazards: a note while the run shows no harm, and never more than the run supports."""

from __future__ import annotations

import math

import pytest
from tests.signals.run_builder import run_of

from trainclinic.catalogue.verdict import Absent, Present, Severity
from trainclinic.findings.circumstances import all_circumstances
from trainclinic.findings.examine import all_rules
from trainclinic.record.facts import Fact
from trainclinic.record.parts import Event
from trainclinic.record.source import Source
from trainclinic.signals.accelerators import compute_capability
from trainclinic.signals.known_defects import CONDITIONS, known_defects, release
from trainclinic.signals.pretrained_families import bf16_family

SLUGS = {one.slug for one in all_circumstances().values()}
NAN = math.nan
GOOD = {"loss": [2.0, 1.9, 1.8, 1.7], "norm": [1.0, 1.0, 1.0, 1.0]}
BROKEN = {"loss": [2.0, 1.9, 0.0, 0.0], "norm": [1.0, 1.0, NAN, NAN]}


@pytest.mark.parametrize(("columns", "expected"), [(GOOD, Severity.NOTE), (BROKEN, Severity.WARNING)])
def test_float16_on_a_bfloat16_model_is_a_note_until_something_is_not_finite(
    columns: dict[str, list[float]], expected: Severity
) -> None:
    run = run_of(range(1, 5), facts={"fp16": True, "model_name": "google/gemma-2b"}, **columns)
    verdict = all_rules()["SET702"].rule.check(run)
    assert isinstance(verdict, Present)
    assert (verdict.severity if verdict.severity is not None else Severity.WARNING) is expected


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("newly initialized: ['score.weight']", Severity.NOTE),
        ("newly initialized: ['classifier.bias', 'classifier.weight']", Severity.NOTE),
        ("newly initialized: ['lm_head.weight']", Severity.WARNING),
        ("newly initialized: ['model.layers.3.self_attn.q_proj.weight', 'score.weight']", Severity.WARNING),
    ],
)
def test_a_new_task_head_is_expected_and_a_new_output_head_is_not(says: str, expected: Severity) -> None:
    event = Event("weights-newly-initialised", says, Source("train.log", 1))
    verdict = all_rules()["SET705"].rule.check(run_of(range(1, 5), events=[event], **GOOD))
    assert isinstance(verdict, Present)
    assert (verdict.severity if verdict.severity is not None else Severity.WARNING) is expected


def test_the_input_gradient_warning_is_a_note_where_gradients_flow() -> None:
    event = Event("no-input-gradient", "None of the inputs have requires_grad=True", Source("train.log", 1))
    check = all_rules()["SET706"].rule.check
    flowing = check(run_of(range(1, 5), events=[event], **GOOD))
    assert isinstance(flowing, Present)
    assert flowing.severity is Severity.NOTE
    still = check(run_of(range(1, 5), events=[event], loss=[2.0] * 4, norm=[0.0] * 4))
    assert isinstance(still, Present)
    assert still.severity is None


def test_an_exception_after_the_end_of_training_is_a_note() -> None:
    crash = Event("exception", "ValueError: upload failed", Source("train.log", 9))
    done = Event("training-finished", "Training completed.", Source("train.log", 8))
    verdict = all_rules()["SET710"].rule.check(run_of(range(1, 5), events=[done, crash], **GOOD))
    assert isinstance(verdict, Present)
    assert verdict.severity is Severity.NOTE


def test_a_scaler_that_refuses_float16_gradients_proves_half_parameters() -> None:
    refused = Event("exception", "ValueError: Attempting to unscale FP16 gradients.", Source("train.log", 9))
    assert isinstance(all_rules()["SET701"].rule.check(run_of(range(1, 5), events=[refused], **GOOD)), Present)


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("4.46.1", (4, 46, 1)),
        ("==0.37.0", (0, 37, 0)),
        ("2.1.0+cu118", (2, 1, 0)),
        ("5.0", (5, 0, 0)),
        ("4.49.0.dev0", (4, 49, 0)),
        ("2.0.0rc1", (2, 0, 0)),
        (">=4.40", None),
        ("main", None),
        ("", None),
    ],
)
def test_only_exact_versions_are_compared(version: str, numbers: tuple[int, ...] | None) -> None:
    assert release(version) == numbers


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("google/flan-t5-large", "T5 and its relatives"),
        ("t5", "T5 and its relatives"),
        ("google/mt5-small mt5", "T5 and its relatives"),
        ("meta-llama/Llama-2-7b-hf", "Llama 2"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen 1.5 and later"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0 llama", "TinyLlama"),
        ("mistralai/Mixtral-8x7B-v0.1", "Mistral"),
        ("gpt2", None),
        ("huggyllama/llama-7b llama", None),
        ("EleutherAI/pythia-410m", None),
        ("facebook/opt-125m", None),
    ],
)
def test_families_are_known_by_name(name: str, family: str | None) -> None:
    assert bf16_family(name) == family


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("Tesla V100-SXM2-32GB", 7.0),
        ("Tesla T4", 7.5),
        ("NVIDIA A100-SXM4-80GB", 8.0),
        ("NVIDIA GeForce RTX 3090", 8.6),
        ("NVIDIA A10G", 8.6),
        ("NVIDIA L4", 8.9),
        ("NVIDIA GeForce RTX 4090", 8.9),
        ("NVIDIA H100 80GB HBM3", 9.0),
        ("Tesla P100-PCIE-16GB", 6.0),
        ("NVIDIA GeForce GTX 1080 Ti", 6.1),
        ("Apple M4 Max", None),
    ],
)
def test_gpus_are_known_by_name(name: str, capability: float | None) -> None:
    assert compute_capability(name) == capability


def test_every_known_defect_is_complete_and_its_range_is_not_empty() -> None:
    for row in known_defects():
        assert row.source.startswith("https://github.com/")
        assert set(row.when) <= set(CONDITIONS)
        assert row.low
        assert row.low < row.high
        assert row.shows in {"non-finite", "scaled-loss", "collapse", "small-bias", "wrong-numbers"}
        assert f"defect-in-{row.topic}" in SLUGS or f"defect-on-{row.topic}" in SLUGS


def defect(version: str, facts: dict[str, float | str], **columns: list[float]) -> Present | Absent:
    run = run_of(range(1, 5), facts=facts, **columns)
    name, number = version.split("==")
    object.__setattr__(run.record, "versions", {name: Fact(name, number, Source("requirements.txt", 1))})
    verdict = all_rules()["SET707"].rule.check(run)
    assert isinstance(verdict, Present | Absent)
    return verdict


def test_a_known_defect_is_a_note_until_the_log_shows_it() -> None:
    lora = {"weights_dtype": "float16", "method": "lora"}
    healthy = defect("peft==0.10.0", lora, **GOOD)
    assert isinstance(healthy, Present)
    assert healthy.severity is Severity.NOTE
    broken = defect("peft==0.10.0", lora, **BROKEN)
    assert isinstance(broken, Present)
    assert broken.severity is None
    assert isinstance(defect("peft==0.11.0", lora, **BROKEN), Absent)
    assert isinstance(defect("peft==0.10.0", {"weights_dtype": "float32", "method": "lora"}, **BROKEN), Absent)


def test_the_zero_race_needs_its_stage() -> None:
    assert isinstance(defect("deepspeed==0.13.5", {"deepspeed_stage": 2.0}, **BROKEN), Present)
    assert isinstance(defect("deepspeed==0.13.5", {"deepspeed_stage": 3.0}, **BROKEN), Absent)
    assert isinstance(defect("deepspeed==0.12.3", {"deepspeed_stage": 2.0}, **BROKEN), Absent)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"optimizer": "adamw_torch", "adam_epsilon": 1e-8},
            "is 0 in float16: 0/0 for a gradient of 0, infinite for one below 0.0055",
        ),
        ({"optimizer": "adamw_torch", "adam_epsilon": 1e-4}, "is not 0 in float16"),
        ({"optimizer": "adamw_torch_fused"}, "computes in float32"),
    ],
)
def test_half_parameters_are_told_with_the_arithmetic_of_this_run(facts: dict[str, float | str], words: str) -> None:
    verdict = all_rules()["SET701"].rule.check(run_of(range(1, 5), facts={"weights_dtype": "float16", **facts}, **GOOD))
    assert isinstance(verdict, Present)
    assert words in verdict.means
    assert verdict.severity is None


def test_half_parameters_that_have_held_for_ten_rows_are_a_note() -> None:
    run = run_of(range(1, 11), facts={"weights_dtype": "float16"}, loss=[2.0] * 10)
    verdict = all_rules()["SET701"].rule.check(run)
    assert isinstance(verdict, Present)
    assert verdict.severity is Severity.NOTE
