"""What the loss column is a loss of, and whether the weights were pretrained."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainclinic.record.facts import Fact, Facts, Value
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured
from trainclinic.signals.objective import Objective
from trainclinic.signals.objective_words import MODEL_WORDS, find_words


def judged(name: str = "run", facts: dict[str, Value] | None = None, **columns: list[float]) -> Objective:
    series = {
        column.replace("__", "/"): make_series(column.replace("__", "/"), range(len(values)), values)
        for column, values in columns.items()
    }
    known = Facts(Fact(key, value, Source("config.json", key=key)) for key, value in (facts or {}).items())
    return Measured(RunRecord(name=name, series=series, facts=known)).objective


@pytest.mark.parametrize(
    ("facts", "column", "kind", "token_loss"),
    [
        ({"objective": "sft"}, "train__loss", "causal-lm", True),
        ({"objective": "dpo"}, "train__loss", "preference", False),
        ({"objective": "CausalLM"}, "train__loss", "causal-lm", True),
        ({"model_type": "t5"}, "train__loss", "seq2seq", True),
        ({"model_name": "Qwen/Qwen2.5-0.5B"}, "train__loss", "causal-lm", True),
        ({"model_name": "openai/whisper-small"}, "train__loss", "seq2seq", True),
        ({"model_type": "bert"}, "eval_f1", "classification", False),
        ({"model_type": "bert"}, "train__loss", "unknown", None),
        ({}, "reward__margin", "preference", False),
        ({"objective": "sft"}, "completions__length", "rl", False),
        ({}, "eval_wer", "speech", None),
        ({}, "val_perplexity", "causal-lm", True),
        ({}, "train__loss", "unknown", None),
    ],
)
def test_the_kind_follows_settings_and_columns(
    facts: dict[str, Value], column: str, kind: str, token_loss: bool | None
) -> None:
    found = judged(facts=facts, **{column: [1.0, 0.9, 0.8]})
    assert (found.kind, found.is_language_model) == (kind, token_loss)


def test_a_column_that_only_policy_training_writes_outranks_a_setting() -> None:
    assert judged(facts={"objective": "sft"}, reward__std=[1.0]).kind == "rl"


def test_a_negative_loss_is_no_cross_entropy_whatever_the_name_says() -> None:
    assert judged("gpt2", train__loss=[0.1, -0.2, 0.1]).is_language_model is False
    assert judged("gpt2", train__loss=[0.1, -0.0003, 0.1]).is_language_model is True


@pytest.mark.parametrize(
    ("level", "right", "kind"),
    [
        pytest.param(math.log(10), 0.1, "classification", id="ten classes at chance"),
        pytest.param(math.log(2), 0.5, "classification", id="two classes at chance"),
        pytest.param(math.log(10), 0.5, "causal-lm", id="half of the tokens at 2.3 nats"),
        pytest.param(0.95, 0.67, "unknown", id="tokens or an over-confident classifier"),
        pytest.param(0.1, 0.95, "unknown", id="nearly always right"),
    ],
)
def test_accuracy_and_loss_tell_a_classifier_from_a_language_model(level: float, right: float, kind: str) -> None:
    assert judged(train__loss=[level] * 3, train__accuracy=[right] * 3).kind == kind


@pytest.mark.parametrize(
    ("facts", "name", "start"),
    [
        ({"lora_rank": 8.0}, "run", "pretrained"),
        ({"method": "qlora"}, "run", "pretrained"),
        ({"model_name": "gpt2"}, "run", "pretrained"),
        ({}, "my-lora-run", "pretrained"),
        ({}, "run", "unknown"),
    ],
)
def test_pretrained_weights_need_evidence(facts: dict[str, Value], name: str, start: str) -> None:
    assert judged(name, facts, train__loss=[3.0, 2.9, 2.8]).started_from == start


def test_a_loss_that_falls_from_ln_v_started_from_scratch_unless_pretraining_is_claimed() -> None:
    falling = list(np.linspace(math.log(50257), 4.0, 30))
    fresh = judged(facts={"vocabulary_size": 50257.0, "objective": "pretraining"}, train__loss=falling)
    assert (fresh.started_from, fresh.loss_unit) == ("scratch", "nats/token")
    claimed = judged(facts={"vocabulary_size": 50257.0, "model_name": "gpt2"}, train__loss=falling)
    assert claimed.started_from == "pretrained"


def test_a_fresh_run_that_starts_at_log2_v_counts_bits() -> None:
    falling = list(np.linspace(math.log2(65), 1.5, 30))
    found = judged(facts={"vocabulary_size": 65.0, "objective": "pretraining"}, train__loss=falling)
    assert (found.started_from, found.loss_unit) == ("scratch", "bits/token")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("facebook/wav2vec2-base", "speech"),
        ("T5ForConditionalGeneration", "seq2seq"),
        ("dt5x", None),
        ("Mistral-7B-v0.1", "causal-lm"),
        ("google/flan-t5-small", "seq2seq"),
    ],
)
def test_names_are_matched_by_whole_words(text: str, kind: str | None) -> None:
    assert find_words(text, MODEL_WORDS) == kind


def test_a_parameter_count_is_a_model_only_when_it_is_exact() -> None:
    exact: dict[str, Value] = {"parameter_count": 127_615_504.0, "trainable_parameter_count": 3_175_696.0}
    assert judged(facts=exact, train__loss=[9.2, 7.0, 6.6]).reason == "the parameter count is that of GPT-2"
    assert judged(facts={"parameter_count": 124_645_632.0}, train__loss=[0.7, 0.6, 0.5]).kind == "unknown"


def test_settings_of_text_models_do_not_make_an_encoder_a_language_model() -> None:
    assert judged(facts={"vocabulary_size": 30522.0}, train__loss=[0.7, 0.6, 0.5]).kind == "causal-lm"
    encoder: dict[str, Value] = {"vocabulary_size": 30522.0, "model_type": "bert"}
    assert judged(facts=encoder, train__loss=[0.7, 0.6, 0.5]).kind == "unknown"
