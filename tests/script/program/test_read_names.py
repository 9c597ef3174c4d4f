"""Names that code reads, and settings that leave the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of, the_call

from trainclinic.script.program.read_names import is_complete, is_read, leaves_files, parsed_options


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("print(options.rank)", True),
        ("options.rank = 3", False),
        ("rank = 3", False),
        ("print(rank)", True),
        ("print(options['rank'])", True),
        ("def f(rank): pass", True),
        ("parser.add_argument('--rank', dest='rank', default=3)", False),
        ("parser.add_argument('rank').completer = rank", True),
        ("match options:\n    case Options(rank=3): pass", True),
    ],
)
def test_a_name_is_read_as_attribute_key_parameter_or_variable(tmp_path: Path, line: str, read: bool) -> None:
    program = program_of(tmp_path, line)
    assert is_read(program, "rank", program.project.files[0]) is read


def test_files_that_belong_together_are_searched_together(tmp_path: Path) -> None:
    program = program_of(
        tmp_path, "import settings, build\n", settings="rank = 3", build="print(x.rank)", other="print(x.alpha)"
    )
    settings = next(file for file in program.project.files if file.name == "settings.py")
    assert is_read(program, "rank", settings)
    assert not is_read(program, "alpha", settings)


@pytest.mark.parametrize(
    ("line", "leaves"),
    [
        ("run(options)", False),
        ("print(options)", False),
        ("wandb.init(config=vars(options))", False),
        ("json.dump(options.__dict__, handle)", False),
        ("elsewhere(options)", True),
        ("elsewhere(vars(options))", True),
        ("elsewhere(**vars(options))", True),
        ("elsewhere(*options)", True),
        ("elsewhere(options.__dict__)", True),
        ("elsewhere(options.rank)", False),
        ("elsewhere.print(options)", False),
        ("elsewhere(asdict(other))", False),
        ("elsewhere(other.to_dict())", False),
    ],
)
def test_settings_leave_the_files_where_unknown_code_gets_them(tmp_path: Path, line: str, leaves: bool) -> None:
    text = f"""
    import argparse, json, wandb
    from dataclasses import asdict
    from mylib import elsewhere, other, handle

    def run(options): return options.rank

    options = argparse.ArgumentParser().parse_args()
    {line}
    """
    program = program_of(tmp_path, text)
    assert leaves_files(program, parsed_options(program)) is leaves


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("import os\nimport torch\nfrom torch import nn", True),
        ("import data", True),
        ("from data import rows", True),
        ("import elsewhere", False),
        ("from .elsewhere import rows", False),
    ],
)
def test_a_program_is_complete_when_every_import_is_known(tmp_path: Path, text: str, complete: bool) -> None:
    assert is_complete(program_of(tmp_path, text, data="rows = []")) is complete


def test_the_object_itself_counts_not_what_was_made_beside_it(tmp_path: Path) -> None:
    program = program_of(tmp_path, "from mylib import elsewhere\none = object()\nelsewhere(one)")
    assert leaves_files(program, [the_call(program, "object")])
    assert not leaves_files(program, [])
