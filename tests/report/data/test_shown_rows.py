"""Rows token by token: which are shown, and what each of their tokens is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.encoding.tokenizers import llama3_like
from trainclinic.dataset.showing import LONGEST, ShownRow
from trainclinic.diagnosis.data import DataExamination, examine_data
from trainclinic.encoding.encoded import IGNORED
from trainclinic.encoding.preparation import Preparation, Stated


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llama3_like(tmp_path_factory.mktemp("tokenizer"))


def conversation(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def examined(folder: Path, rows: list[Any], tokenizer: Path | None = None, **settings: Any) -> DataExamination:
    file = folder / "train.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    prepared = Preparation(**{name: Stated(value, f"--{name}") for name, value in settings.items()})
    return examine_data(file, tokenizer=tokenizer, preparation=prepared)


def shown(folder: Path, rows: list[Any], tokenizer: Path | None = None, **settings: Any) -> ShownRow:
    found: ShownRow = examined(folder, rows, tokenizer, **settings).report(1).shown[0]
    return found


def text_of(row: ShownRow, **looks: object) -> str:
    """The text of the tokens that look like that."""
    return "".join(
        token.text for token in row.tokens if all(getattr(token, name) == value for name, value in looks.items())
    )


ROWS = [conversation(f"How many days has month {n}?", f"Month {n} has thirty days or one more.") for n in range(40)]


def test_an_answer_with_its_end_token_is_in_the_loss_and_nothing_else(tmp_path: Path, tokenizer: Path) -> None:
    row = shown(tmp_path, ROWS, tokenizer, scored="answers")
    assert text_of(row, is_scored=True) == "Month 0 has thirty days or one more.<|eot_id|>"
    assert text_of(row, part="user").startswith("How many days has month 0?")
    assert row.targets == sum(token.is_scored for token in row.tokens)
    assert row.says == ()
    assert all((token.labels == token.ids) is token.is_scored for token in row.tokens)
    assert {token.labels for token in row.tokens if not token.is_scored} == {(IGNORED,)}


def test_the_tokens_together_are_the_text_that_was_tokenised(tmp_path: Path, tokenizer: Path) -> None:
    row = shown(tmp_path, [conversation("Grüße 👩‍👩‍👧 你好\n\tx", "é")], tokenizer)
    assert "Grüße 👩‍👩‍👧 你好\n\tx" in text_of(row)
    assert text_of(row, is_scored=True) == "é<|eot_id|>"


def test_the_bytes_of_a_character_are_one_thing_to_look_at(tmp_path: Path) -> None:
    row = shown(tmp_path, [conversation("ü 👩", "ok")])
    by_text = {token.text: token.ids for token in row.tokens}
    assert len(by_text["ü"]) == 2
    assert len(by_text["👩"]) == 4
    assert row.count == sum(len(token.ids) for token in row.tokens)
    assert all(len(token.labels) == len(token.ids) for token in row.tokens)


def test_what_truncation_cuts_off_is_marked_and_told(tmp_path: Path, tokenizer: Path) -> None:
    whole = shown(tmp_path, ROWS, tokenizer, scored="answers")
    row = shown(tmp_path, ROWS, tokenizer, scored="answers", max_length=whole.count - 4)
    assert [token.is_kept for token in row.tokens].index(False) == row.kept == whole.count - 4
    assert not any(token.is_scored for token in row.tokens[row.kept :])
    assert row.says == (
        f"truncation cuts off 4 of {row.answers} answer tokens",
        "an answer ends without a loss on its end token",
    )
    assert row.tokens[-1].labels == row.tokens[-1].ids


def test_a_row_without_any_loss_says_so(tmp_path: Path, tokenizer: Path) -> None:
    row = shown(tmp_path, ROWS, tokenizer, scored="answers", max_length=5)
    assert "no token carries a loss" in row.says


def test_the_stand_in_for_a_tokenizer_says_nothing_about_end_tokens(tmp_path: Path) -> None:
    assert shown(tmp_path, ROWS, scored="answers").says == ()


def test_plain_text_is_in_the_loss_but_for_its_first_token(tmp_path: Path) -> None:
    row = shown(tmp_path, [{"text": f"Once upon a time {n}"} for n in range(3)])
    assert [token.is_scored for token in row.tokens][:2] == [False, True]
    assert {token.part for token in row.tokens if token.text in "Once"} == {"text"}


def test_the_first_row_the_one_with_a_finding_and_the_longest_come_first(tmp_path: Path) -> None:
    rows = [*ROWS]
    rows[11] = conversation("What is a fox?", "")
    rows[23] = conversation("What is a crow?", "A bird. " * 40)
    found = examined(tmp_path, rows).report(5).shown
    assert [(row.place, row.why) for row in found[:3]] == [
        ("train.jsonl:1", "the first row"),
        ("train.jsonl:12", "shows empty answer rows"),
        ("train.jsonl:24", "the longest row"),
    ]
    assert {row.why for row in found[3:]} == {"a row by chance"}
    assert len({row.place for row in found}) == 5


def test_the_seed_decides_which_rows_are_shown_by_chance(tmp_path: Path) -> None:
    found = examined(tmp_path, ROWS)

    def places(seed: int) -> list[str]:
        return [row.place for row in found.report(6, seed=seed).shown]

    assert places(1) == places(1)
    assert places(1) != places(2)


@pytest.mark.parametrize("wanted", [0, 1, 2, 40, 100])
def test_as_many_rows_are_shown_as_were_asked_for_and_there_are(tmp_path: Path, wanted: int) -> None:
    assert len(examined(tmp_path, ROWS).report(wanted).shown) == min(wanted, len(ROWS))


def test_rows_are_shown_by_their_line_and_a_line_without_a_row_is_told(tmp_path: Path) -> None:
    report = examined(tmp_path, ROWS).report(lines=[3, 17, 900])
    assert [row.place for row in report.shown] == ["train.jsonl:3", "train.jsonl:17"]
    told = [one.says for one in report.warnings]
    assert "line 900 is not shown: no training row that was kept stands there" in told


def test_a_mask_that_nobody_stated_is_told_where_rows_are_shown(tmp_path: Path) -> None:
    def told(found: DataExamination, rows: int) -> bool:
        return any("`--loss-on`" in one.says for one in found.report(rows).warnings)

    assert told(examined(tmp_path, ROWS), 1)
    assert not told(examined(tmp_path, ROWS), 0)
    assert not told(examined(tmp_path, ROWS, scored="all"), 1)


def test_a_long_row_keeps_its_ends_and_the_places_where_something_changes(tmp_path: Path) -> None:
    row = shown(tmp_path, [conversation("why " * 2_000, "because " * 500 + "end")])
    assert row.count > 5 * LONGEST
    assert len(row.tokens) <= LONGEST
    assert len(row.tokens) + sum(token.skipped for token in row.tokens) == row.count
    answer = "because " * 500 + "end"
    assert text_of(row, part="assistant").startswith(answer[:30])
    assert "because end" in text_of(row, part="assistant")
