"""Levels that a loss is compared with: ln V, word frequencies, and the intact pretrained model."""

from __future__ import annotations

import math

import pytest
from tests.signals.run_builder import run_of

from trainclinic.signals.measured import Measured
from trainclinic.signals.reference_losses import generic_reference, known_reference, known_vocabulary, vocabulary_at


@pytest.mark.parametrize(
    ("rows", "uniform"),
    [(32000, 10.373), (50257, 10.825), (100352, 11.516), (128256, 11.762), (151936, 11.931), (256000, 12.453)],
)
def test_uniform_is_ln_of_the_vocabulary(rows: int, uniform: float) -> None:
    run = run_of([1, 2, 3], loss=[2.0, 1.9, 1.8], facts={"model_type": "llama", "vocabulary_size": float(rows)})
    assert run.baselines is not None
    assert run.baselines.uniform == pytest.approx(uniform, abs=0.001)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("gpt2", "GPT-2 124M"),
        ("openai-community/gpt2-medium gpt2", "GPT-2 350M"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0 llama", "TinyLlama 1.1B"),
        ("meta-llama/Llama-3.2-1B-Instruct", "Llama 3.2 1B"),
        ("unsloth/llama-3-8b-bnb-4bit", "Llama 3 / 3.1 8B"),
        ("Qwen/Qwen2.5-0.5B-Instruct qwen2", "Qwen 2.5 0.5B"),
        ("distilgpt2 gpt2", "DistilGPT-2 82M"),
        ("google/mt5-small mt5", "T5 v1.1, mT5 and ByT5"),
    ],
)
def test_models_are_known_by_name(name: str, title: str) -> None:
    reference = known_reference(name)
    assert reference is not None
    assert reference.title == title


@pytest.mark.parametrize("name", ["adopt", "charles/foo", "facebook/opt-350m opt", "t5-small t5", ""])
def test_words_inside_other_words_name_no_model(name: str) -> None:
    assert known_reference(name) is None


def test_the_frozen_parameters_name_the_model_and_adapters_do_not_hide_it() -> None:
    counts = {"parameter_count": 127_615_504.0, "trainable_parameter_count": 3_175_696.0, "method": "lora"}
    run = run_of([0, 500, 1000], loss=[3.6, 3.3, 3.2], facts={**counts, "model_type": "gpt2"})
    assert run.baselines is not None
    assert run.baselines.reference is not None
    assert run.baselines.reference.title == "GPT-2 124M"


def test_a_count_is_not_believed_against_another_family_in_the_name() -> None:
    assert known_reference("meta-llama/something-odd llama", (124_439_808.0,)) is None
    assert known_reference("my-model", (124_439_808.0,)) is not None


def test_a_large_unknown_decoder_gets_the_range_of_its_size_class() -> None:
    assert generic_reference((7e9,)).start == (0.5, 4.0)
    assert generic_reference((1e8,)).start == (0.5, 5.6)
    assert generic_reference().generic


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("meta-llama/Llama-3.1-8B", 128256),
        ("llama", 32000),
        ("Qwen/Qwen2.5-7B", 152064),
        ("gpt2", 50257),
        ("adopt", None),
    ],
)
def test_vocabulary_of_a_family(name: str, rows: int | None) -> None:
    assert known_vocabulary(name) == rows


def test_a_config_outranks_the_family_table() -> None:
    run = run_of([1, 2], loss=[2.0, 1.9], facts={"model_type": "llama", "vocabulary_size": 32064.0})
    assert run.baselines is not None
    assert (run.baselines.vocabulary, run.baselines.vocabulary_from) == (32064, "vocabulary_size")


def test_a_measured_unigram_entropy_replaces_the_typical_one() -> None:
    record = run_of([1, 2], loss=[2.0, 1.9], facts={"model_type": "gpt2", "model_name": "gpt2"}).record
    assert Measured(record).baselines.frequencies == 6.5  # type: ignore[union-attr]
    assert Measured(record, unigram_entropy=6.538).baselines.frequencies == 6.538  # type: ignore[union-attr]


def test_a_small_vocabulary_has_no_typical_unigram_entropy() -> None:
    run = run_of([0, 1, 2], loss=[4.2, 3.0, 2.0], facts={"model_type": "gpt2", "vocabulary_size": 65.0})
    assert run.baselines is not None
    assert run.baselines.frequencies is None
    assert run.baselines.uniform == pytest.approx(math.log(65))


def test_other_objectives_have_no_token_baselines() -> None:
    assert run_of([1, 2], loss=[0.69, 0.6], facts={"objective": "dpo"}).baselines is None


def test_a_level_that_is_ln_of_a_listed_vocabulary_is_recognised() -> None:
    assert vocabulary_at(10.3735) == 32000
    assert vocabulary_at(10.37) is None
