"""Ways of writing rows: what each becomes, and what is said about rows that differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainclinic.corpus.corpus import Shard
from trainclinic.corpus.open import open_corpus
from trainclinic.corpus.row_schema import all_schemas
from trainclinic.corpus.sample import Message, Sample, Trouble

TURNS = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Rust."}]
ASKED = (Message("user", "Why?"), Message("assistant", "Rust."))


def shard_of(folder: Path, rows: list[Any], name: str = "train.jsonl", **options: Any) -> Shard:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return open_corpus([path], **options).shards[0]


def read(folder: Path, *rows: Any, **options: Any) -> list[Sample | Trouble]:
    return list(shard_of(folder, list(rows), **options).rows())


@pytest.mark.parametrize(
    ("row", "schema", "messages"),
    [
        ({"messages": TURNS}, "messages", ASKED),
        (TURNS, "messages", ASKED),
        ({"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Rust."}]}, "sharegpt", None),
        ({"instruction": "Why?", "input": "", "output": "Rust."}, "alpaca", ASKED),
        ({"prompt": "Why?", "completion": "Rust."}, "prompt-completion", ASKED),
        ({"question": "Why?", "answer": "Rust."}, "prompt-completion", ASKED),
        ({"q": "Why?", "a": "Rust."}, "prompt-completion", ASKED),
        ({"query": "Why?", "response": "Rust."}, "prompt-completion", ASKED),
        ({"input": "Why?", "target": "Rust."}, "prompt-completion", ASKED),
        ({"question": "Why?", "answers": {"text": ["Rust."], "answer_start": [3]}}, "prompt-completion", ASKED),
        ({"prompt": TURNS[:1], "completion": TURNS[1:]}, "prompt-completion", ASKED),
        ({"prompt": "Why?", "chosen": "Rust.", "rejected": "Luck."}, "preference", ASKED),
        ({"chosen": TURNS, "rejected": [TURNS[0], {"role": "assistant", "content": "Luck."}]}, "preference", ASKED),
        ({"question": "Why?", "answer_0": "Rust.", "answer_1": "Luck."}, "preference", ASKED),
        ({"prompt": "Why?", "completion": "Rust.", "label": True}, "kto", ASKED),
        ({"messages": TURNS, "kto_tag": False}, "kto", ASKED),
        ({"Question": "Why?", " Answer": "Rust."}, "prompt-completion", ASKED),
        ({"instruction": "Why?", "input": "", "chosen": "Rust.", "rejected": "Luck."}, "preference", ASKED),
        ({"conversations": TURNS[:1], "chosen": TURNS[1], "rejected": TURNS[1]}, "preference", ASKED),
        (
            {"question": "Why?", "answer_0": "Luck.", "answer_1": "Rust.", "score_0": 0, "score_1": 1},
            "preference",
            ASKED,
        ),
        (
            {"chosen": "\n\nHuman: Why?\n\nAssistant: Rust.", "rejected": "\n\nHuman: Why?\n\nAssistant: Luck."},
            "preference",
            None,
        ),
    ],
)
def test_a_row_becomes_the_same_conversation_however_it_is_written(
    row: Any, schema: str, messages: Any, tmp_path: Path
) -> None:
    (sample,) = read(tmp_path, row)
    assert isinstance(sample, Sample)
    assert sample.schema == schema
    said = [(message.role, message.content) for message in sample.messages]
    assert said == [("user", "Why?"), ("assistant", "Rust.")]
    if messages is not None:
        assert sample.messages == messages


def test_a_role_under_another_word_keeps_the_word(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "narrator", "value": "c"}]
    (sample,) = read(tmp_path, {"conversations": turns})
    assert isinstance(sample, Sample)
    assert [(m.role, m.name) for m in sample.messages] == [("user", "human"), ("assistant", "gpt"), ("narrator", "")]


def test_both_sides_of_a_pair_begin_with_the_prompt(tmp_path: Path) -> None:
    (sample,) = read(tmp_path, {"prompt": "Why?", "chosen": "Rust.", "rejected": "Luck.", "system": "Be brief."})
    assert isinstance(sample, Sample)
    assert [m.content for m in sample.messages] == ["Be brief.", "Why?", "Rust."]
    assert [m.content for m in sample.rejected] == ["Be brief.", "Why?", "Luck."]


def test_the_better_of_two_numbered_answers_is_the_chosen_one(tmp_path: Path) -> None:
    (sample,) = read(
        tmp_path, {"prompt": "Why?", "response_0": "Luck.", "response_1": "Rust.", "better_response_id": 1}
    )
    assert isinstance(sample, Sample)
    assert (sample.answer, sample.rejected[-1].content) == ("Rust.", "Luck.")


def test_thoughts_calls_tools_and_flags_are_kept(tmp_path: Path) -> None:
    call = {"function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "Look: "}, {"type": "image_url", "image_url": "x"}]},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "Hm.", "train": False},
        {"role": "tool", "content": "ok"},
    ]
    (sample,) = read(tmp_path, {"messages": turns, "tools": [{"name": "f"}]})
    assert isinstance(sample, Sample)
    user, answer, tool = sample.messages
    assert user.content == "Look: <image_url>"
    assert (answer.content, answer.reasoning, answer.is_scored) == ("", "Hm.", False)
    assert json.loads(answer.calls) == [call]
    assert tool.role == "tool"
    assert json.loads(sample.tools) == [{"name": "f"}]


def test_plain_text_tokenised_rows_and_further_fields(tmp_path: Path) -> None:
    text, ids = read(tmp_path, {"text": "a", "source": "web", "score": 3}, {"input_ids": [1, 2], "labels": [-100, 2]})[
        ::2
    ]
    assert isinstance(text, Sample)
    assert (text.text, text.messages, text.others) == ("a", (), (("source", "web"), ("score", "3")))
    assert isinstance(ids, Sample)
    assert (ids.ids, ids.labels) == ((1, 2), (-100, 2))


def test_a_row_of_another_kind_is_read_and_told(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": "b"}] * 3 + [{"messages": TURNS}, {"height": 3}]
    found = read(tmp_path, *rows)
    assert [one.kind for one in found if isinstance(one, Trouble)] == ["other-schema", "unknown-fields"]
    assert sum(isinstance(one, Sample) for one in found) == 4
    lost = found[-1]
    assert isinstance(lost, Trouble)
    assert lost.loses_row
    assert lost.source.line == 5


def test_named_columns_win_over_detection(tmp_path: Path) -> None:
    (sample,) = read(tmp_path, {"foo": "Why?", "bar": "Rust."}, columns={"prompt": "foo", "completion": "bar"})
    assert isinstance(sample, Sample)
    assert sample.messages == ASKED


def test_wrong_types_and_missing_fields_are_told_and_used_as_far_as_they_go(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": "b"}, {"prompt": "a", "completion": 3}, {"prompt": "a"}]
    found = read(tmp_path, *rows)
    assert [one.kind for one in found if isinstance(one, Trouble)] == ["wrong-type", "missing-field"]
    samples = [one for one in found if isinstance(one, Sample)]
    assert [sample.answer for sample in samples] == ["b", "3", ""]
    assert [sample.number for sample in samples] == [0, 1, 2]


def test_turns_as_json_inside_a_string_are_read_and_told(tmp_path: Path) -> None:
    trouble, sample = read(tmp_path, {"messages": json.dumps(TURNS)})
    assert isinstance(trouble, Trouble)
    assert trouble.says == "the field `messages` holds JSON inside a string"
    assert isinstance(sample, Sample)
    assert sample.messages == ASKED


def test_turns_as_python_writes_them_are_read_and_told(tmp_path: Path) -> None:
    trouble, sample = read(tmp_path, {"messages": str(TURNS)})
    assert isinstance(trouble, Trouble)
    assert (trouble.kind, trouble.says) == ("wrong-type", "the field `messages` holds a Python literal inside a string")
    assert isinstance(sample, Sample)
    assert sample.messages == ASKED


def test_a_call_that_is_written_as_a_turn_is_kept_as_a_call(tmp_path: Path) -> None:
    call = {"name": "f", "arguments": {"x": 1}}
    turns = [{"from": "human", "value": "Why?"}, {"from": "function_call", "value": json.dumps(call)}]
    broken = [turns[0], {"from": "function_call", "value": "f(x=1)"}]
    good, trouble, bad = read(tmp_path, {"conversations": turns}, {"conversations": broken})
    assert isinstance(good, Sample)
    assert isinstance(bad, Sample)
    assert isinstance(trouble, Trouble)
    said = good.messages[1]
    assert (said.role, said.content, said.name) == ("assistant", "", "function_call")
    assert json.loads(said.calls) == [{"type": "function", "function": call}]
    assert (bad.messages[1].content, bad.messages[1].calls) == ("f(x=1)", "")
    assert trouble.kind == "wrong-type"


def test_odd_characters_and_rows_without_text_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, {"text": "a\0"}, {"text": "b\ufeffc"}, {"text": ""}, {"text": "d"})
    assert [(one.kind, one.source.line) for one in found if isinstance(one, Trouble)] == [
        ("nul-byte", 1),
        ("byte-order-mark", 2),
        ("empty-row", 3),
    ]
    assert sum(isinstance(one, Sample) for one in found) == 4


def test_a_list_of_answers_gives_its_first_one(tmp_path: Path) -> None:
    trouble, sample = read(tmp_path, {"question": "Why?", "answers": ["Rust.", "Luck."]})
    assert isinstance(sample, Sample)
    assert isinstance(trouble, Trouble)
    assert sample.answer == "Rust."
    assert trouble.kind == "wrong-type"


def test_a_field_without_value_is_a_missing_one(tmp_path: Path) -> None:
    found = read(tmp_path, {"prompt": "a", "completion": "b"}, {"prompt": "a", "completion": None})
    assert [(one.kind, one.says) for one in found if isinstance(one, Trouble)] == [
        ("missing-field", "the field `completion` is `null`")
    ]


def test_every_schema_says_what_it_reads() -> None:
    for name, schema in all_schemas().items():
        assert schema.name == name
        assert schema.title
        assert "`" in schema.fields
