"""The second founding case as code: targets that are shifted in one file and shifted again in another."""

from __future__ import annotations

import shutil
from pathlib import Path

from trainclinic.script.alarm import Certainty
from trainclinic.script.examine import Found, alarms_of
from trainclinic.script.program.program import build_program
from trainclinic.script.sources.project import read_project

FILES = Path(__file__).parent / "founding" / "report_b"


def certain(folder: Path) -> list[Found]:
    found = alarms_of(build_program(read_project([folder])), strict=True)
    return [each for each in found if each.alarm.certainty > Certainty.HINT]


def test_the_double_shift_is_proven_and_nothing_else_is_said(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    (found,) = certain(tmp_path)
    assert found.rule.slug == "shifted-labels-to-shifting-model"
    assert found.alarm.certainty is Certainty.PROOF
    assert "`GPT2LMHeadModel` shifts them once more" in found.alarm.says


def test_the_way_of_the_labels_leads_through_all_three_files(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    (found,) = certain(tmp_path)
    files = [Path(step.place.path).name for step in found.alarm.flow]
    assert files == ["data.py", "training.py", "wrapper.py"]
    assert "begins one position later" in found.alarm.flow[0].says


def test_the_fixed_wrapper_is_clean(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    wrapper = tmp_path / "wrapper.py"
    text = wrapper.read_text(encoding="utf-8")
    assert "labels=targets" in text
    wrapper.write_text(text.replace("labels=targets", "labels=idx"), encoding="utf-8")
    assert certain(tmp_path) == []
