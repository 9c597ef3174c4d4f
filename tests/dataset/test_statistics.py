"""The data in numbers: counts from all rows and from a sample of them, lengths, steps and passes of a plan."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.encoding import tokenizers

from trainclinic.corpus.open import open_corpus
from trainclinic.dataset.course import course_of
from trainclinic.dataset.data import Data
from trainclinic.dataset.statistics import statistics_of, unigram_entropy_of
from trainclinic.dataset.token_counts import token_counts
from trainclinic.encoding.preparation import Plan, Preparation, Stated
from trainclinic.encoding.tokens.load import load_tokenizer

WORDS = tokenizers.TEXT.split()


def _said(settings: dict[str, Any]) -> dict[str, Stated[Any]]:
    return {name: Stated(value, "the test") for name, value in settings.items()}


def data_of(
    folder: Path, rows: list[dict[str, str]], *, real: bool = True, plan: Any = None, **preparation: Any
) -> Data:
    (folder / "data").mkdir(parents=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "data" / "train.jsonl").write_text(text, encoding="utf-8")
    tokenizer = load_tokenizer(tokenizers.gpt2_like(folder / "tokenizer")) if real else None
    corpus = open_corpus([folder / "data"])
    return Data(corpus, tokenizer, Preparation(**_said(preparation)), Plan(**_said(plan or {})), questions={})


def pairs(number: int) -> list[dict[str, str]]:
    source = random.Random(3)
    return [
        {
            "prompt": " ".join(source.choices(WORDS, k=8)),
            "completion": " ".join(source.choices(WORDS, k=source.randint(5, 60))),
        }
        for _ in range(number)
    ]


def test_tokens_and_targets_are_counted_where_every_row_is_kept(tmp_path: Path) -> None:
    data = data_of(tmp_path, pairs(50))
    found = statistics_of(data)
    assert found.counts.tokens.value == sum(len(row) for row in data.encoded)
    assert found.counts.targets.value == sum(row.target_count for row in data.encoded)
    assert found.counts.tokens.spread == found.counts.targets.spread == 0
    assert found.counts.targets.value < found.counts.tokens.value
    assert found.tokens_per_epoch == found.counts.targets.value
    assert not found.is_estimate


def test_a_sample_of_the_rows_gives_an_interval_that_holds_the_truth(tmp_path: Path) -> None:
    rows = pairs(1_000)
    truth = token_counts(data_of(tmp_path / "all", rows))
    sampled = data_of(tmp_path / "some", rows)
    sampled.survey.kept = sampled.survey.kept[::7]
    found = token_counts(sampled)
    assert found.counted_rows == 143
    for estimate, exact in ((found.tokens, truth.tokens), (found.targets, truth.targets)):
        assert 0 < estimate.spread < 0.05 * exact.value
        assert estimate.low <= exact.value <= estimate.high


def test_quantiles_are_lengths_of_rows(tmp_path: Path) -> None:
    data = data_of(tmp_path, pairs(200))
    lengths = sorted(len(row) for row in data.encoded)
    found = statistics_of(data).counts.row_lengths
    assert found is not None
    assert (found.p50, found.p90, found.p99, found.most) == (lengths[99], lengths[179], lengths[197], lengths[199])


def test_a_quantile_is_a_length_that_occurs(tmp_path: Path) -> None:
    data = data_of(tmp_path, [{"text": "a " * 40**at} for at in (0, 1, 2)] + [{"text": "b " * 9}])
    lengths = sorted(len(row) for row in data.encoded)
    found = statistics_of(data).counts.row_lengths
    assert found is not None
    assert (found.p50, found.p90) == (lengths[1], lengths[3])


def test_the_suggested_length_cuts_at_most_one_row_in_a_hundred(tmp_path: Path) -> None:
    data = data_of(tmp_path, [{"text": "day " * at} for at in range(1, 201)])
    length = statistics_of(data).suggested_length
    assert length is not None
    assert length % 64 == 0
    assert sum(len(row) > length for row in data.encoded) <= 2
    assert sum(len(row) > length - 64 for row in data.encoded) > 2


def test_the_suggested_length_is_at_most_what_the_model_allows(tmp_path: Path) -> None:
    assert statistics_of(data_of(tmp_path, [{"text": "a day " * 4_000}])).suggested_length == 1024


def test_baselines_are_those_of_the_scored_tokens_alone(tmp_path: Path) -> None:
    rows = [{"prompt": f"{' '.join(WORDS[at : at + 9])}", "completion": "yes"} for at in range(150)]
    scored = statistics_of(data_of(tmp_path / "answers", rows, scored="answers")).baselines
    whole = statistics_of(data_of(tmp_path / "all", rows, scored="all")).baselines
    assert scored is not None
    assert whole is not None
    assert scored.unigram < math.log(6)
    assert whole.unigram > scored.unigram + 1
    assert scored.uniform == math.log(scored.vocabulary)
    assert scored.bigram is not None
    assert scored.bigram < scored.unigram
    assert scored.unigram_spread == 0.3


def test_the_unigram_entropy_needs_the_tokenizer_of_the_model(tmp_path: Path) -> None:
    rows = pairs(30)
    assert unigram_entropy_of(data_of(tmp_path / "without", rows, real=False)) is None
    data = data_of(tmp_path / "with", rows)
    ids = np.concatenate([row.labels[row.is_target] for row in data.encoded])
    shares = np.unique(ids, return_counts=True)[1] / len(ids)
    wanted = -(shares * np.log(shares)).sum() + (len(shares) - 1) / (2 * len(ids))
    assert unigram_entropy_of(data) == pytest.approx(wanted)


def test_targets_that_are_cut_off_are_in_no_baseline(tmp_path: Path) -> None:
    rows = [{"text": "day " * 30 + " ".join(WORDS[at : at + 30])} for at in range(30)]
    cut = unigram_entropy_of(data_of(tmp_path / "cut", rows, max_length=20))
    whole = unigram_entropy_of(data_of(tmp_path / "whole", rows))
    assert cut is not None
    assert whole is not None
    assert cut < 1 < whole


def test_data_without_a_target_have_no_baselines(tmp_path: Path) -> None:
    data = data_of(tmp_path, pairs(5), response_marker="### no such marker")
    assert statistics_of(data).baselines is None


@pytest.mark.parametrize(
    ("plan", "per_epoch", "steps", "epochs"),
    [
        ({"micro_batch": 2, "accumulation": 3, "epochs": 2.0}, 4, 8, 2.0),
        ({"micro_batch": 2, "accumulation": 3, "steps": 10}, 4, 10, 2.5),
        ({"micro_batch": 2, "accumulation": 3, "processes": 2, "epochs": 1.0}, 2, 2, 1.0),
        ({"micro_batch": 2, "accumulation": 3, "rows": 12, "steps": 4}, 2, 4, 2.0),
        ({"micro_batch": 2, "accumulation": 5, "epochs": 2.0}, 3, 6, 2.0),
        ({"micro_batch": 64, "epochs": 3.0}, 1, 3, 3.0),
    ],
)
def test_steps_and_passes_follow_from_rows_and_batches(
    plan: dict[str, Any], per_epoch: int, steps: int, epochs: float, tmp_path: Path
) -> None:
    course = course_of(data_of(tmp_path, pairs(23), real=False, plan=plan))
    assert (course.steps_per_epoch, course.steps, course.epochs, course.missing) == (per_epoch, steps, epochs, "")


def test_packed_rows_are_counted_by_their_tokens(tmp_path: Path) -> None:
    data = data_of(tmp_path, pairs(40), plan={"micro_batch": 2, "epochs": 1.0}, packing=True, max_length=32)
    tokens = sum(len(row) for row in data.encoded)
    course = course_of(data)
    assert course.by_tokens
    assert course.sequences == tokens / 32
    assert course.steps_per_epoch == math.ceil(tokens / 32 / 2)


@pytest.mark.parametrize(
    ("plan", "preparation", "real", "missing"),
    [
        ({"epochs": 1.0}, {}, True, "--batch"),
        ({"micro_batch": 2}, {"packing": True, "max_length": 32}, False, "--tokenizer"),
        ({"micro_batch": 2}, {"packing": True}, True, "--max-length"),
    ],
)
def test_what_is_missing_for_the_steps_is_named(
    plan: dict[str, Any], preparation: dict[str, Any], real: bool, missing: str, tmp_path: Path
) -> None:
    course = course_of(data_of(tmp_path, pairs(5), real=real, plan=plan, **preparation))
    assert course.steps_per_epoch is None
    assert missing in course.missing
