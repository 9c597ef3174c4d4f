"""The fields of a file, told by what became of their values."""

from __future__ import annotations

import json

import pytest

from trainclinic.corpus.keys import Keys, keys_of
from trainclinic.corpus.open import open_corpus

TURNS = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]


@pytest.mark.parametrize(
    ("row", "keys"),
    [
        ({"q": "Why?", "a": "Because."}, Keys("q", "", "a")),
        ({"prompt": "Why?", "completion": "Because."}, Keys("prompt", "", "completion")),
        ({"instruction": "Why?", "input": "At night.", "output": "Because."}, Keys("instruction", "input", "output")),
        ({"instruction": "Why?", "input": "", "output": "Because."}, Keys("instruction", "", "output")),
        ({"id": 7, "messages": TURNS}, Keys("", "", "messages")),
        ({"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]},
         Keys("", "", "conversations")),
        ({"text": "A text of some length."}, Keys("", "", "text")),
    ],
)  # fmt: skip
def test_fields_are_found_by_their_values(row, keys, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for _ in range(5)))
    assert keys_of(open_corpus([path]).shards[0]) == keys


def test_a_second_part_that_most_rows_leave_empty_is_found(tmp_path):
    rows = [{"instruction": f"Why {n}?", "input": "x y z" if n == 7 else "", "output": "So."} for n in range(20)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert keys_of(open_corpus([path]).shards[0]) == Keys("instruction", "input", "output")


def test_a_file_without_fields_has_none(tmp_path):
    path = tmp_path / "rows.md"
    path.write_text("QUESTION: Why?\n\nANSWER: Because.\n\nQUESTION: How?\n\nANSWER: So.\n")
    assert keys_of(open_corpus([path]).shards[0]) == Keys()
