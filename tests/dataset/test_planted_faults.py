"""Faults that people really had in their data, planted by a script: all of them are found, and none in the clean twin."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.encoding import tokenizers

from trainclinic.catalogue.finding import Finding
from trainclinic.catalogue.verdict import Present, Severity
from trainclinic.diagnosis.data import DataExamination, examine_data
from trainclinic.encoding.preparation import Plan, Preparation, Stated

FOUND_BY_OTHERS = {"DUP007"}
"""Faults whose rows stand in the held-out file."""


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twins")
    script = Path(__file__).parents[2] / "scripts" / "plant_faults.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True)
    tokenizers.gpt2_like(folder / "tokenizer")
    return folder


def said(value: object) -> Stated:  # type: ignore[type-arg]
    return Stated(value, "the test")


def examined(twins: Path, name: str) -> DataExamination:
    return _examined(twins, name)


@cache
def _examined(twins: Path, name: str) -> DataExamination:
    preparation = Preparation(
        template=said("zephyr"), scored=said("answers"), max_length=said(1024), masks_pads=said(False),
        appends_end=said(True), packing=said(False), adds_specials=said(False),
    )  # fmt: skip
    plan = Plan(micro_batch=said(4), epochs=said(3.0), warmup_steps=said(10), order=said("shuffled"))
    return examine_data(twins / name, tokenizer=twins / "tokenizer", preparation=preparation, plan=plan)


def of_code(found: DataExamination, code: str) -> Finding:
    return next(finding for finding in found.findings if finding.entry.rule.code == code)


def test_at_least_twenty_faults_are_planted(twins: Path) -> None:
    assert len(json.loads((twins / "faults.json").read_text())) >= 20


def test_every_planted_fault_is_found(twins: Path) -> None:
    faults = json.loads((twins / "faults.json").read_text())
    found = {finding.entry.rule.code for finding in examined(twins, "faulty").present}
    assert set(faults) - found == set()


def test_a_fault_is_found_in_the_rows_where_it_was_planted(twins: Path) -> None:
    faults = json.loads((twins / "faults.json").read_text())
    for code, lines in faults.items():
        if code in FOUND_BY_OTHERS or code.startswith("DUP00"):
            continue
        verdict = of_code(examined(twins, "faulty"), code).verdict
        assert isinstance(verdict, Present)
        named = {evidence.source.line for evidence in verdict.evidence if evidence.source and evidence.source.line}
        assert named <= set(lines), f"{code} names {sorted(named - set(lines))}, planted in {lines}"


def test_nothing_is_found_in_the_clean_twin(twins: Path) -> None:
    alarms = [f for f in examined(twins, "clean").present if f.severity > Severity.NOTE]
    assert [(f.entry.rule.code, f.verdict) for f in alarms] == []


def test_the_cleaned_copy_of_the_faulty_twin_is_clean_but_for_what_a_person_has_to_decide(
    twins: Path, tmp_path: Path
) -> None:
    from trainclinic.dataset.repair.write import repair

    repair(examined(twins, "faulty").data, tmp_path / "out")
    left = {f.entry.rule.code for f in examine_data(tmp_path / "out").present if f.severity > Severity.NOTE}
    assert left <= {"DUP003", "ROL001", "ROL002", "CNT002", "CNT003", "ENC002", "ENC004", "ANS004", "TKN002", "DUP006"}
    for gone in ("ANS001", "ANS002", "ANS003", "DUP001", "DUP002", "DUP007", "FMT004", "FMT002", "ENC001", "ENC003"):
        assert gone not in left
