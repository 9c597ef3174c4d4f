"""SEC001 on keys that must not stand in any file of this repository: they are made up at run time."""

from __future__ import annotations

import json
import string
from pathlib import Path

from tests.knowledge.test_secrets import made_up
from tests.script.programs import program_of

from trainclinic.script.alarm import Alarm
from trainclinic.script.program.program import build_program
from trainclinic.script.rules.security.sec001_literal_secret import SHOWN, find
from trainclinic.script.sources.project import read_project

KEY = made_up("hf_", 34, string.ascii_letters)


def shown(alarm: Alarm) -> str:
    """All that an alarm says to anybody."""
    return repr(alarm)


def test_a_key_is_found_and_no_more_than_its_beginning_is_shown(tmp_path: Path) -> None:
    program = program_of(tmp_path, f'from huggingface_hub import login\n\nlogin("{KEY}")\n')
    (alarm,) = find(program)
    assert (alarm.place.line, alarm.place.column, alarm.place.end_column) == (3, 8, 8 + len(KEY))
    assert (
        alarm.says == f"a literal Hugging Face token stands here, `{KEY[:SHOWN]}...`: whoever reads the code can use it"
    )
    assert KEY[: SHOWN + 1] not in shown(alarm)


def test_a_key_in_a_command_of_a_notebook_is_found_in_its_cell(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "first"},
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": f"import os\n!hf auth login --token {KEY}\n"},
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "run.ipynb").write_text(json.dumps(book), encoding="utf-8")
    (alarm,) = find(build_program(read_project([tmp_path])))
    assert (alarm.place.cell, alarm.place.line) == (2, 2)
