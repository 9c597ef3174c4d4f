"""A cleaned copy: what is mended, what is left out, what the log says, and that nothing is overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainclinic.corpus.open import open_corpus
from trainclinic.dataset.data import Data
from trainclinic.dataset.repair.rows import plain_row
from trainclinic.dataset.repair.texts import mended_text
from trainclinic.dataset.repair.write import Repaired, repair
from trainclinic.record.errors import TrainclinicError

GOOD = "The pump in the cellar starts when the float rises and stops when it falls."


def chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def repaired(folder: Path, train: list[Any], val: list[Any] | None = None, **options: Any) -> Repaired:
    source = folder / "data"
    source.mkdir()
    for name, rows in (("train.jsonl", train), ("val.jsonl", val or [])):
        if rows:
            lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
            (source / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    before = {path: path.read_bytes() for path in source.iterdir()}
    made = repair(Data(open_corpus([source])), folder / "out", **options)
    assert before == {path: path.read_bytes() for path in source.iterdir()}
    return made


def lines_of(made: Repaired, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made.folder / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("text", "wanted", "done"),
    [
        ("fünf TÃ¼ren", "fünf Türen", "wrongly decoded characters"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree", "line ends"),
        ("\x1b[31mred\x1b[0m\x07", "red", "control characters"),
        ("cafe\u0301", "caf\u00e9", "forms of Unicode"),
        ("  a \n", "a", "white space at the ends"),
    ],
)
def test_a_text_is_mended_and_what_was_done_is_said(text: str, wanted: str, done: str) -> None:
    assert mended_text(text) == (wanted, (done,))


@pytest.mark.parametrize(
    "text", ["", "Plain.", "Größe und Tür", "日本語のテキスト", "x = {'a': [1]}\n\n    y", "👩‍👩‍👧"]
)
def test_a_sound_text_stays_as_it_is(text: str) -> None:
    assert mended_text(text) == (text, ())


def test_empty_answers_broken_rows_and_copies_are_left_out_and_logged(tmp_path: Path) -> None:
    made = repaired(
        tmp_path,
        [chat("Why?", GOOD), chat("And?", " "), "{broken", chat("Why?", GOOD.upper()), chat("Who?", "The smith.")],
    )
    assert [row["messages"][0]["content"] for row in lines_of(made, "train.jsonl")] == ["Why?", "Who?"]
    assert made.dropped == {"ANS001": 1, "broken-json": 1, "duplicate": 1}
    log = lines_of(made, "changes.jsonl")
    assert [(entry["row"], entry["dropped"]) for entry in log] == [
        ("train.jsonl:2", "ANS001"),
        ("train.jsonl:3", "broken-json"),
        ("train.jsonl:4", "duplicate"),
    ]
    assert log[2]["because"] == "repeats `train.jsonl:1`"


def test_a_mended_row_is_logged_before_and_after(tmp_path: Path) -> None:
    made = repaired(tmp_path, [chat("Wie?", "fÃ¼nf TÃ¼ren")])
    (entry,) = lines_of(made, "changes.jsonl")
    assert entry["mended"] == ["wrongly decoded characters"]
    assert entry["before"].endswith("fÃ¼nf TÃ¼ren")
    assert entry["after"].endswith("fünf Türen")
    assert lines_of(made, "train.jsonl")[0]["messages"][1]["content"] == "fünf Türen"


def test_training_rows_that_stand_in_the_held_out_file_go(tmp_path: Path) -> None:
    made = repaired(tmp_path, [chat("Why?", GOOD), chat("Who?", "The smith.")], [chat("Why?", GOOD)])
    assert made.written == {"train.jsonl": 1, "held-out.jsonl": 1}
    assert made.dropped == {"split-overlap": 1}


def test_rows_with_the_same_prompt_are_held_out_together(tmp_path: Path) -> None:
    rows = [chat(f"Question {at // 2}?", f"Answer number {at} is {at * 31 % 97} litres.") for at in range(200)]
    made = repaired(tmp_path, rows, held_out_share=0.2)
    train, held = (
        {row["messages"][0]["content"] for row in lines_of(made, f"{name}.jsonl")} for name in ("train", "held-out")
    )
    assert train & held == set()
    assert 30 <= made.written["held-out.jsonl"] <= 40
    assert sum(made.written.values()) == 200


def test_a_folder_with_anything_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(TrainclinicError, match="is not empty"):
        repaired(tmp_path, [chat("Why?", GOOD)])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "The pump."},
        {"input_ids": [1, 2], "labels": [-100, 2]},
        {"prompt": "Why?", "chosen": "Rust.", "rejected": "Luck."},
        {"prompt": "Why?", "completion": "Rust.", "label": False},
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "train": False}]},
    ],
)
def test_a_row_written_in_its_plain_form_is_read_as_the_same_row(row: dict[str, Any], tmp_path: Path) -> None:
    def read(name: str, value: object) -> Any:
        (tmp_path / name).write_text(json.dumps(value) + "\n", encoding="utf-8")
        (sample,) = open_corpus([tmp_path / name]).shards[0].rows()
        return sample

    first = read("a.jsonl", row)
    again = read("b.jsonl", plain_row(first))
    for part in ("messages", "text", "rejected", "is_liked", "ids", "labels"):
        assert getattr(first, part) == getattr(again, part), part


CALL = {"role": "assistant", "content": ""}
WORDS = [f"{first}{second}{third}" for first in "bdfgk" for second in "aeiou" for third in "lmnrst"]


def test_several_questions_on_one_passage_stay(tmp_path: Path) -> None:
    passages = [WORDS[at : at + 60] for at in (0, 60)]
    rows = [
        chat(f"{' '.join(passage)}\nWhich word is number {at}?", passage[at])
        for passage in passages
        for at in (3, 17, 40)
    ]
    assert lines_of(repaired(tmp_path, rows), "train.jsonl") == rows


def test_a_near_copy_goes(tmp_path: Path) -> None:
    rows = [chat("Tell me a story.", " ".join(WORDS[:60])), chat("Tell me a story.", " ".join(WORDS[:59]))]
    assert lines_of(repaired(tmp_path, rows), "train.jsonl") == rows[:1]


@pytest.mark.parametrize(
    "rows",
    [
        [{"image": f"{at}.jpg", "prompt": "Is there a dog in this picture?", "completion": "No."} for at in range(3)],
        [
            {
                "messages": [
                    {"role": "user", "content": "Which gate?"},
                    {**CALL, "tool_calls": [{"function": {"name": n}}]},
                ]
            }
            for n in ("open_north", "open_south")
        ],
    ],
    ids=["pictures", "tool calls"],
)
def test_rows_of_the_same_words_about_other_things_stay(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    made = repaired(tmp_path, rows)
    assert len(lines_of(made, "train.jsonl")) == len(rows)
