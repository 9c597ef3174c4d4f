"""Questions and answers in prose: which words are marks, what ends a block, headings that ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.corpus.open import open_corpus
from trainclinic.corpus.question_marks import opened_part, words_in_use
from trainclinic.corpus.sample import Sample, Trouble


def read(folder: Path, text: str, name: str = "letters.md") -> tuple[list[tuple[str, str, int | None]], list[Trouble]]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    rows = list(open_corpus([path]).shards[0].rows())
    pairs = [(row.prompt, row.answer, row.source.line) for row in rows if isinstance(row, Sample)]
    return pairs, [row for row in rows if isinstance(row, Trouble)]


@pytest.mark.parametrize(
    ("line", "part", "rest"),
    [
        ("QUESTION: Why?", "question", "Why?"),
        ("**Q:** Why?", "question", "Why?"),
        ("**Q**: Why?", "question", "Why?"),
        ("### Question 3: Why?", "question", "Why?"),
        ("> 12. User: Why?", "question", "Why?"),
        ("## Question", "question", ""),
        ("**Answer**", "answer", ""),
        ("### Response:", "answer", ""),
        ("- Assistant: Rust.", "answer", "Rust."),
        ("AI： Rust.", "answer", "Rust."),
    ],
)
def test_a_mark_is_known_in_its_usual_dress(line: str, part: str, rest: str) -> None:
    opened = opened_part(line)
    assert opened is not None
    assert (opened.part, opened.rest) == (part, rest)


@pytest.mark.parametrize("line", ["Question", "a: b", "The answer: no", "Aim: high", "## Questions and answers", "A"])
def test_a_line_of_prose_is_no_mark(line: str) -> None:
    assert opened_part(line) is None


def test_words_that_only_stand_inside_answers_open_nothing(tmp_path: Path) -> None:
    pairs = "".join(f"QUESTION: What is {at}?\nANSWER: A number.\n" for at in range(60))
    text = f"{pairs}QUESTION: How does a chat look?\nANSWER: Like this.\n\nUser: Hello\nAssistant: Hi\n"
    assert words_in_use(text.splitlines()) == {"question", "answer"}
    found, troubles = read(tmp_path, text)
    assert len(found) == 61
    assert found[-1][1] == "Like this.\n\nUser: Hello\nAssistant: Hi"
    assert troubles == []


def test_documents_that_were_joined_may_use_different_marks(tmp_path: Path) -> None:
    text = "# One\n\nQUESTION: a?\nANSWER: b\n\nQUESTION: c?\nANSWER: d\n\n# Two\n\n**Q:** e?\n**A:** f\n"
    assert read(tmp_path, text)[0] == [("a?", "b", 3), ("c?", "d", 6), ("e?", "f", 11)]


def test_the_heading_of_the_next_letter_is_no_part_of_an_answer(tmp_path: Path) -> None:
    text = "QUESTION: a?\nANSWER: b\n\n## Steps\n\nc\n\n---\n\n## The next letter\n\nQUESTION: d?\nANSWER: e\n"
    assert read(tmp_path, text)[0] == [("a?", "b\n\n## Steps\n\nc", 1), ("d?", "e", 12)]


def test_an_introduction_before_each_instruction_is_left_out(tmp_path: Path) -> None:
    block = "Below is an instruction.\n\n### Instruction:\nSay {}.\n\n### Input:\nTwice\n\n### Response:\n{}\n\n"
    assert read(tmp_path, block.format("a", "aa") + block.format("b", "bb"))[0] == [
        ("Say a.\n\nTwice", "aa", 3),
        ("Say b.\n\nTwice", "bb", 14),
    ]


def test_headings_that_ask_are_questions_and_code_holds_no_headings(tmp_path: Path) -> None:
    text = (
        "# FAQ\n\n## How do I list files?\n\n```sh\n# all of them\nls -a\n```\n\n### Windows\n\nUse dir.\n\n"
        "## Is it safe?\n\nYes.\n\n## Why?\n"
    )
    found, troubles = read(tmp_path, text)
    assert found == [
        ("How do I list files?", "```sh\n# all of them\nls -a\n```\n\n### Windows\n\nUse dir.", 3),
        ("Is it safe?", "Yes.", 14),
    ]
    assert [(one.kind, one.source.line, one.loses_row) for one in troubles] == [("unpaired-question", 18, True)]


def test_other_headings_make_sections_of_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "guide.md"
    path.write_text("Before.\n\n# One\n\nFirst.\n\n```\n# no heading\n```\n\n# Two\n\nSecond.\n", encoding="utf-8")
    rows = [row for row in open_corpus([path]).shards[0].rows() if isinstance(row, Sample)]
    assert [(row.text, row.source.line) for row in rows] == [
        ("Before.", 1),
        ("# One\n\nFirst.\n\n```\n# no heading\n```", 3),
        ("# Two\n\nSecond.", 11),
    ]


@pytest.mark.parametrize("line", ["#" + " " * 200_000 + "x", "> " * 50_000 + "x", "**Q" + " " * 200_000, " " * 200_000])
def test_a_long_run_of_blanks_opens_nothing_and_is_left_soon(line):
    assert opened_part(line) is None
