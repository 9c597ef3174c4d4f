"""Comments that silence rules, and the lines for which they speak."""

from __future__ import annotations

import textwrap

import pytest

from trainclinic.script.sources.suppressions import FILE_LINES, read_suppressions


def silenced(text: str, code: str = "LBL001", slug: str = "double-shift") -> list[int]:
    """Lines on which a rule is silent."""
    text = textwrap.dedent(text)
    found = read_suppressions(text)
    return [line for line in range(1, text.count("\n") + 2) if found.covers(code, slug, line, line)]


@pytest.mark.parametrize(
    "comment",
    [
        "# trainclinic: ignore[LBL001] our model does not shift",
        "#trainclinic:ignore[ lbl001 ]",
        "# TrainClinic : Ignore [TOK001, LBL001]",
        "# trainclinic: ignore[double-shift]",
        "# trainclinic: ignore",
        "# tc: ignore[LBL001]",
        "# noqa: E501  # trainclinic: ignore[LBL001]",
        "# trainclinic: ignore[LBL001",
    ],
)
def test_a_comment_silences_its_line(comment: str) -> None:
    assert silenced(f"a = 1\nb = 2  {comment}\nc = 3\n") == [2]


@pytest.mark.parametrize(
    "comment",
    [
        "# trainclinic: ignore[LBL002]",
        "# trainclinic: ignored",
        "# trainclinic: ignore[]",
        "# trainclinic ignore[LBL001]",
        "# ignore[LBL001]",
        "# trainclinic: ignore-fil[LBL001]",
    ],
)
def test_other_comments_silence_nothing(comment: str) -> None:
    assert silenced(f"a = 1\nb = 2  {comment}\nc = 3\n") == []


def test_a_comment_in_a_string_is_none() -> None:
    assert silenced('a = "# trainclinic: ignore"\nb = 2  # trainclinic: ignore[X]\n') == []


def test_a_comment_on_the_first_or_last_line_of_a_statement_speaks_for_all_of_it() -> None:
    body = "x = 1\nf(  {first}\n    1,  {inner}\n    2,\n)  {last}\ny = 2\n"
    mark = "# trainclinic: ignore"
    assert silenced(body.format(first=mark, inner="", last="")) == [2, 3, 4, 5]
    assert silenced(body.format(first="", inner="", last=mark)) == [2, 3, 4, 5]
    assert silenced(body.format(first="", inner=mark, last="")) == [3]


def test_a_comment_alone_speaks_for_the_statement_that_follows() -> None:
    assert silenced("x = 1\n# trainclinic: ignore\n# why\nf(\n    1,\n)\ny = 2\n") == [4, 5, 6]
    assert silenced("f(\n    # trainclinic: ignore\n    1,\n    2,\n)\n") == [2, 3]


def test_a_comment_with_a_gap_below_speaks_for_nothing_else() -> None:
    assert silenced("# trainclinic: ignore\n\nx = 1\n") == [1]


def test_an_alarm_over_several_lines_is_silenced_at_its_ends_only() -> None:
    found = read_suppressions("def f():\n    a = 1\n    b = 2  # trainclinic: ignore\n    c = 3\n")
    assert not found.covers("LBL001", "", 1, 4)
    assert found.covers("LBL001", "", 1, 3)
    assert found.covers("LBL001", "", 3, 4)


@pytest.mark.parametrize(("above", "is_silent"), [(FILE_LINES - 1, True), (FILE_LINES, False)])
def test_a_comment_near_the_top_silences_the_file(above: int, is_silent: bool) -> None:
    text = "x = 1\n" * above + "# trainclinic: ignore-file[LBL001]\nf(1)\n"
    assert (200 in silenced(text + "y = 2\n" * 200)) is is_silent
    assert not read_suppressions(text).covers("LBL002", "", 1, 1)


def test_a_file_can_be_silenced_for_all_rules() -> None:
    assert silenced('"""What it does."""  # trainclinic: ignore-file\nx = 1\n') == [1, 2, 3]


def test_names_are_kept_as_written_for_a_warning_about_unknown_ones() -> None:
    found = read_suppressions("x = 1  # trainclinic: ignore[Lbl001, no-zero-grad]\ny = 2 # trainclinic: ignore[NOPE]\n")
    assert found.named == (("Lbl001", 1), ("no-zero-grad", 1), ("NOPE", 2))


def test_what_silenced_something_is_remembered() -> None:
    found = read_suppressions("x = 1  # trainclinic: ignore\ny = 2  # trainclinic: ignore\n")
    assert found.covers("LBL001", "", 2, 2)
    assert found.used == {2}


def test_text_that_cannot_be_tokenized_is_searched_line_by_line() -> None:
    assert silenced("f((\nx = 1  # trainclinic: ignore[LBL001]\n# tc: ignore\ny = 2\n") == [2, 3, 4]
