"""Rows as ids and labels: what is scored, what ends an answer, what is cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.encoding import tokenizers

from trainclinic.corpus.sample import Message, Sample
from trainclinic.encoding.encoded import IGNORED, Encoded
from trainclinic.encoding.preparation import Preparation, Stated
from trainclinic.encoding.tokens.load import load_tokenizer
from trainclinic.encoding.tokens.tokenizer import Tokenizer
from trainclinic.encoding.training_rows import TrainingRows
from trainclinic.record.source import Source

HERE = Source("train.jsonl", 1)
CHAT = Sample(
    HERE, 0, "messages",
    (
        Message("system", "Be brief."), Message("user", "What is a pump?"), Message("assistant", "It moves water."),
        Message("user", "And a valve?"), Message("assistant", "It stops it."),
    ),
)  # fmt: skip
PAIR = Sample(
    HERE, 1, "prompt-completion", (Message("user", "What is a pump?"), Message("assistant", " It moves water."))
)
TEXT = Sample(HERE, 2, "text", (), "The pump moves water.")


@pytest.fixture(params=["gpt2_like", "llama3_like", "llama2_like"])
def family(request: pytest.FixtureRequest, tmp_path: Path) -> Tokenizer:
    getattr(tokenizers, request.param)(tmp_path)
    return load_tokenizer(tmp_path)


def encoded(tokenizer: Tokenizer, sample: Sample, **stated: object) -> Encoded:
    settings = {name: Stated(value, "the test") for name, value in stated.items()}
    (row,) = TrainingRows(tokenizer, Preparation(**settings)).encode([sample])  # type: ignore[arg-type]
    return row


def scored_text(row: Encoded) -> str:
    """The characters of the scored tokens, special tokens by their text in the row."""
    return "".join(row.text[a:b] for a, b, is_in in zip(row.starts, row.ends, row.is_target, strict=True) if is_in)


def test_answers_alone_are_scored_with_their_end_token(family: Tokenizer) -> None:
    row = encoded(family, PAIR)
    assert scored_text(row).strip() == f"It moves water.{family.specials.end}"
    assert row.ends_scored == (True,)
    assert np.array_equal(row.labels[row.is_target], row.ids[row.is_target])


def test_every_answer_of_a_conversation_is_scored_and_nothing_else(family: Tokenizer) -> None:
    row = encoded(family, CHAT, template="chatml")
    assert scored_text(row).replace("<|im_end|>", "|").replace("\n", "").strip() == "It moves water.|It stops it.|"
    last = encoded(family, CHAT, template="chatml", scored="last-answer")
    assert "moves" not in scored_text(last)
    assert "stops" in scored_text(last)


def test_a_turn_that_asks_not_to_be_scored_is_not(family: Tokenizer) -> None:
    turns = (*CHAT.messages[:2], Message("assistant", "It moves water.", is_scored=False), *CHAT.messages[3:])
    row = encoded(family, Sample(HERE, 0, "messages", turns), template="chatml")
    assert "moves" not in scored_text(row)
    assert "stops" in scored_text(row)


def test_all_tokens_are_scored_on_request_and_in_plain_text(family: Tokenizer) -> None:
    for row in (encoded(family, PAIR, scored="all"), encoded(family, TEXT)):
        assert np.array_equal(row.labels, row.ids)


def test_padding_by_id_takes_the_end_token_out_of_the_loss(family: Tokenizer) -> None:
    row = encoded(family, PAIR, pad=family.specials.end, masks_pads=True)
    assert scored_text(row).strip() == "It moves water."
    assert row.ends_scored == (False,)
    apart = encoded(family, PAIR, pad="<no such token>", masks_pads=True)
    assert apart.ends_scored == (True,)


def test_no_end_token_is_written_when_training_appends_none(family: Tokenizer) -> None:
    row = encoded(family, PAIR, appends_end=False)
    assert row.text.endswith("water.")
    assert row.ends_scored == (False,)


def test_an_end_token_that_the_row_has_is_not_written_twice(family: Tokenizer) -> None:
    end = family.specials.end
    row = encoded(family, Sample(HERE, 0, "text", (), f"The pump.{end}"))
    assert row.text == f"The pump.{end}"


def test_what_is_cut_off_is_counted_and_not_scored(family: Tokenizer) -> None:
    whole = encoded(family, PAIR)
    row = encoded(family, PAIR, max_length=len(whole) - 3)
    assert row.answer_lost == 3
    assert row.ends_scored == (False,)
    assert row.target_count == whole.target_count - 3
    left = encoded(family, PAIR, max_length=3, truncation="left")
    assert left.kept == (len(whole) - 3, len(whole))
    assert left.target_count == 2  # the first token of a window is predicted by nothing


def test_the_marker_of_the_response_is_searched_as_ids(family: Tokenizer) -> None:
    text = Sample(HERE, 0, "text", (), "Question?\n### Answer:\nYes.")
    row = encoded(family, text, response_marker="\n### Answer:\n")
    shown = scored_text(row)
    assert shown in (f"Yes.{family.specials.end}", "")  # merged differently in context: then nothing is scored
    absent = encoded(family, text, response_marker="### Nowhere:")
    assert absent.target_count == 0


def test_a_row_that_was_tokenised_before_keeps_its_ids_and_labels(family: Tokenizer) -> None:
    row = encoded(family, Sample(HERE, 0, "tokens", ids=(5, 6, 7), labels=(-100, 6, 7)))
    assert row.ids.tolist() == [5, 6, 7]
    assert row.labels.tolist() == [IGNORED, 6, 7]
    assert row.is_target.tolist() == [False, True, True]


def test_a_row_that_the_template_refuses_is_left_out_and_named(family: Tokenizer) -> None:
    rows = TrainingRows(family, Preparation(template=Stated("{{ raise_exception('no system here') }}", "the test")))
    assert rows.encode([CHAT, TEXT])[0].sample is TEXT
    assert rows.refused[0].source == HERE
    assert "no system here" in rows.refused[0].says


def test_rows_of_all_kinds_come_back_in_their_order(family: Tokenizer) -> None:
    rows = [TEXT, CHAT, Sample(HERE, 3, "tokens", ids=(1, 2)), PAIR, CHAT, TEXT]
    found = TrainingRows(family, Preparation(template=Stated("chatml"))).encode(rows)
    assert [one.sample for one in found] == rows
