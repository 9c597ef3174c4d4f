"""Which rows a step used: against a run of the Hugging Face Trainer, and where nobody can know."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from tests.encoding import tokenizers

from trainclinic.corpus.open import open_corpus
from trainclinic.dataset.data import Data
from trainclinic.dataset.placement import rows_of_step
from trainclinic.encoding.preparation import Plan, Preparation, Stated
from trainclinic.encoding.tokens.load import load_tokenizer

TRAINER = [
    [16, 8, 6, 17, 2, 0],
    [1, 11, 18, 5, 14, 21],
    [15, 3, 10, 19, 22, 4],
    [20, 7, 12, 13, 9],
    [13, 17, 16, 20, 18, 7],
    [1, 10, 15, 12, 11, 21],
    [14, 6, 4, 8, 22, 2],
    [19, 0, 3, 9, 5],
]
"""Rows of each step of transformers 5.24, accelerate 1.15, torch 2.13, one process: 23 rows, batch 2, accumulation 3,
two epochs, seed 42."""


def _said(settings: dict[str, Any]) -> dict[str, Stated[Any]]:
    return {name: Stated(value, "the test") for name, value in settings.items()}


def data_of(
    folder: Path, written: int = 23, lines: str = "", preparation: dict[str, Any] | None = None, **plan: Any
) -> Data:
    folder.mkdir(parents=True, exist_ok=True)
    text = lines or "".join(json.dumps({"text": f"Row {at} of the data."}) + "\n" for at in range(written))
    (folder / "train.jsonl").write_text(text, encoding="utf-8")
    tokenizer = load_tokenizer(tokenizers.gpt2_like(folder.parent / "tokenizer")) if preparation else None
    corpus = open_corpus([folder])
    return Data(corpus, tokenizer, Preparation(**_said(preparation or {})), Plan(**_said(plan)), questions={})


def lines_of(data: Data, step: int) -> list[int]:
    return [(source.line or 0) - 1 for source in rows_of_step(data, step).rows]


SHUFFLED = {"micro_batch": 2, "accumulation": 3, "order": "shuffled", "seed": 42}


def test_every_step_of_two_epochs_is_that_of_the_trainer(tmp_path: Path) -> None:
    data = data_of(tmp_path / "data", processes=1, epochs=2, **SHUFFLED)
    assert [lines_of(data, step) for step in range(1, 9)] == TRAINER
    assert rows_of_step(data, 4).certainty == "exact"
    assert rows_of_step(data, 4).coverage == 1.0


def test_a_plan_that_is_silent_about_processes_is_exact_for_one(tmp_path: Path) -> None:
    data = data_of(tmp_path / "data", **SHUFFLED)
    assert rows_of_step(data, 1).certainty == "exact if one process"
    assert lines_of(data, 1) == TRAINER[0]


def test_sequential_rows_are_read_in_their_order(tmp_path: Path) -> None:
    data = data_of(tmp_path / "data", micro_batch=2, accumulation=3, order="sequential", processes=1)
    assert lines_of(data, 2) == [6, 7, 8, 9, 10, 11]
    assert lines_of(data, 4) == [18, 19, 20, 21, 22]
    assert lines_of(data, 5) == [0, 1, 2, 3, 4, 5]
    assert rows_of_step(data, 2).certainty == "exact"
    assert rows_of_step(data, 2).passes == pytest.approx(12 / 23)


def test_a_shuffle_without_its_seed_says_which_share_was_seen(tmp_path: Path) -> None:
    found = rows_of_step(data_of(tmp_path / "data", micro_batch=2, accumulation=3), 2)
    assert (found.rows, found.certainty) == ((), "statistical")
    assert "seed" in found.why
    assert found.coverage == pytest.approx(12 / 23)


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ({"processes": 2}, "2 processes"),
        ({"rows": 20}, "trains on 20 rows, and 23 were read"),
    ],
)
def test_rows_are_not_named_where_the_permutation_is_another_one(
    plan: dict[str, Any], why: str, tmp_path: Path
) -> None:
    found = rows_of_step(data_of(tmp_path / "data", **SHUFFLED, **plan), 1)
    assert (found.rows, found.certainty) == ((), "statistical")
    assert why in found.why


def test_rows_that_cannot_be_read_make_numbers_unsure(tmp_path: Path) -> None:
    lines = '{"text": "One row."}\n{broken\n{"text": "Another row."}\n'
    found = rows_of_step(data_of(tmp_path / "data", lines=lines, **SHUFFLED), 1)
    assert (found.rows, found.certainty) == ((), "statistical")
    assert found.why.startswith("1 row could not be read")


def test_packed_rows_cannot_be_named(tmp_path: Path) -> None:
    settings = {"packing": True, "max_length": 8}
    found = rows_of_step(data_of(tmp_path / "data", preparation=settings, **SHUFFLED), 1)
    assert (found.rows, found.certainty) == ((), "impossible")
    assert "offsets" in found.why


@pytest.mark.parametrize(
    ("step", "plan", "why"),
    [
        (0, SHUFFLED, "before the first update"),
        (9, {**SHUFFLED, "epochs": 2}, "ends with step 8"),
        (1, {"order": "sequential"}, "batch size"),
    ],
)
def test_steps_that_the_plan_does_not_have_are_impossible(step: int, plan: Any, why: str, tmp_path: Path) -> None:
    found = rows_of_step(data_of(tmp_path / "data", **plan), step)
    assert (found.rows, found.certainty) == ((), "impossible")
    assert why in found.why


def test_random_windows_have_a_coverage_and_no_rows(tmp_path: Path) -> None:
    """Report B in small: "tokens 2 M to 2.5 M" of 1.2 M tokens are 3.4 passes, and 97 % of the tokens were drawn."""
    settings = {"max_length": 256, "packing": False}
    data = data_of(tmp_path / "data", written=2_000, preparation=settings, micro_batch=8, order="random-windows")
    tokens = sum(len(row) for row in data.encoded)
    step = round(3.4 * tokens / (8 * 256))
    found = rows_of_step(data, step)
    assert (found.rows, found.certainty) == ((), "statistical")
    assert found.passes == pytest.approx(step * 8 * 256 / tokens)
    assert found.coverage == pytest.approx(1 - math.exp(-3.4), abs=0.01)
    assert "97 %" in found.why
