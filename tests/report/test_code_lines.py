"""Code in a terminal: what is broken over lines still runs when it is copied."""

from __future__ import annotations

import ast
import shlex

import pytest

from trainclinic.causes.next_tests import all_tests
from trainclinic.report.terminal.code_lines import code_lines


def test_a_short_line_is_left_alone() -> None:
    assert code_lines("print(1)  # one", 40) == ["print(1)  # one"]


def test_python_is_broken_inside_brackets_before_a_keyword() -> None:
    code = "print(sum(int(x) for x in some_long_list_of_numbers if x.isfinite()))"
    assert code_lines(code, 58) == ["print(sum(int(x) for x in some_long_list_of_numbers", "    if x.isfinite()))"]


def test_a_shell_line_goes_on_after_a_backslash_and_never_inside_quotes() -> None:
    lines = code_lines("grep --recursive 'two words that stay together' some/long/path/of/a/log", 50)
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert shlex.split(" ".join(line.removesuffix(" \\") for line in lines))[2] == "two words that stay together"


def test_a_comment_behind_a_long_line_moves_above_it() -> None:
    assert code_lines("print(model(**batch).loss)  # the batch of the first bad step", 30) == [
        "# the batch of the first bad",
        "# step",
        "print(model(**batch).loss)",
    ]


@pytest.mark.parametrize("slug", sorted(all_tests()))
def test_every_deciding_test_means_the_same_in_eighty_columns(slug: str) -> None:
    how = all_tests()[slug].how
    lines = code_lines(how, 76)
    assert max(map(len, lines)) <= 76
    try:
        meant = ast.dump(ast.parse(how))
    except SyntaxError:
        return  # a shell command
    assert ast.dump(ast.parse("\n".join(lines))) == meant
