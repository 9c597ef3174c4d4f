"""The first founding case as code: its script, the "corrected" one that would fail again, and one that is right."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from trainclinic.script.alarm import Certainty
from trainclinic.script.examine import Found, alarms_of
from trainclinic.script.program.program import build_program
from trainclinic.script.sources.project import read_project

FILES = Path(__file__).parent / "founding" / "report_a"


def alarms(folder: Path, *names: str) -> list[Found]:
    """Alarms of the named files, which lie in a folder of their own."""
    for name in names:
        shutil.copy(FILES / name, folder / name)
    return list(alarms_of(build_program(read_project([folder])), strict=True))


def certain(found: list[Found]) -> list[str]:
    return [each.rule.slug for each in found if each.alarm.certainty > Certainty.HINT]


def the(found: list[Found], slug: str) -> Found:
    (one,) = (each for each in found if each.rule.slug == slug)
    return one


def test_the_script_shows_its_three_faults(tmp_path: Path) -> None:
    found = alarms(tmp_path, "finetune.py", "requirements.txt")
    wanted = {"half-precision-trained-adapter", "pad-equals-eos-with-lm-collator", "no-end-token-appended"}
    assert wanted <= set(certain(found))


def test_the_half_precision_is_proven_for_every_device_but_the_processor(tmp_path: Path) -> None:
    alarm = the(alarms(tmp_path, "finetune.py", "requirements.txt"), "half-precision-trained-adapter").alarm
    assert alarm.certainty is Certainty.PROOF
    assert alarm.when == "`device != 'cpu'`"
    assert "0.10.0" in alarm.says


def test_a_peft_that_casts_adapters_is_no_reason_for_an_alarm(tmp_path: Path) -> None:
    pins = (FILES / "requirements.txt").read_text(encoding="utf-8").replace("peft==0.10.0", "peft==0.14.0")
    (tmp_path / "requirements.txt").write_text(pins, encoding="utf-8")
    assert "half-precision-trained-adapter" not in certain(alarms(tmp_path, "finetune.py"))


def test_nothing_is_said_about_batch_or_learning_rate(tmp_path: Path) -> None:
    said = " ".join(each.alarm.says for each in alarms(tmp_path, "finetune.py", "requirements.txt"))
    assert "batch" not in said
    assert "learning rate" not in said


def test_the_corrected_script_would_fail_again(tmp_path: Path) -> None:
    found = alarms(tmp_path, "finetune_corrected.py")
    assert sorted(certain(found)) == [
        "foreign-special-token",
        "outdated-trainer-override",
        "outdated-trainer-override",
        "pad-equals-eos-with-lm-collator",
    ]
    assert "`<|endoftext|>`" in the(found, "foreign-special-token").alarm.says


def test_both_overrides_of_the_corrected_script_are_mended_by_a_parameter(tmp_path: Path) -> None:
    found = alarms(tmp_path, "finetune_corrected.py")
    overrides = [each.alarm for each in found if each.rule.slug == "outdated-trainer-override"]
    edits = [edit for alarm in overrides if alarm.mending is not None for edit in alarm.mending.edits]
    assert [(edit.kind, edit.code) for edit in edits] == [
        ("add_parameter", "num_items_in_batch=None"),
        ("add_parameter", "start_time=None"),
    ]


@pytest.mark.parametrize("version", ["4.40.2", "4.45.2"])
def test_under_a_release_without_the_new_arguments_the_overrides_are_right(tmp_path: Path, version: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"transformers=={version}\n", encoding="utf-8")
    assert "outdated-trainer-override" not in certain(alarms(tmp_path, "finetune_corrected.py"))


def test_the_right_script_is_clean(tmp_path: Path) -> None:
    found = alarms(tmp_path, "finetune_right.py")
    assert [f"{each.rule.code} {each.alarm.place}: {each.alarm.says}" for each in found] == []
