"""Runs of one folder know each other, and the broken one of them is told first."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.catalogue.verdict import Present
from trainclinic.diagnosis.companions import MOST, broken_first, companions_of
from trainclinic.diagnosis.diagnose import diagnose
from trainclinic.diagnosis.workers import judge_all
from trainclinic.readers.collect import collect
from trainclinic.record.run import RunRecord

FALLING = "".join(f"step {10 * i}: loss {3.0 - 0.1 * i:.3f}\n" for i in range(1, 9))
BROKEN = "".join(f"step {10 * i}: loss {'nan' if i > 2 else 2.9}\n" for i in range(1, 9))


def records(*files: str) -> list[RunRecord]:
    return [RunRecord(name, files=(name,)) for name in files]


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.log").write_text(text, encoding="utf-8")


def test_companions_are_the_other_runs_of_the_folder() -> None:
    runs = records("a/x.log", "b/x.log", "a/y.log")
    assert [[other.name for other in others] for others in companions_of(runs)] == [["a/y.log"], [], ["a/x.log"]]


def test_a_record_without_files_has_no_companions() -> None:
    assert companions_of([RunRecord("one"), RunRecord("two")]) == [(), ()]


def test_a_sweep_is_not_compared_as_a_whole() -> None:
    found = companions_of(records(*(f"run{i}.log" for i in range(30))))
    assert {len(others) for others in found} == {MOST}


@pytest.mark.parametrize(
    ("names", "sick", "order"),
    [
        (("eager.log", "fused.log"), (False, True), [1, 0]),
        (("eager.log", "fused.log"), (True, False), [0, 1]),
        (("train.log", "train_fused.log"), (False, True), [0, 1]),
        (("a/eager.log", "b/fused.log"), (False, True), [0, 1]),
        (("only.log",), (True,), [0]),
    ],
)
def test_the_broken_run_is_told_first_where_names_do_not_say(
    names: tuple[str, ...], sick: tuple[bool, ...], order: list[int]
) -> None:
    assert broken_first(records(*names), sick) == order


def test_a_diagnosis_compares_the_runs_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path, train_eager=FALLING, train_fused=BROKEN)
    diagnosis = diagnose(tmp_path)
    assert [run.record.name for run in diagnosis.runs] == ["train_fused.log", "train_eager.log"]
    found = {finding.entry.rule.slug for finding in diagnosis.runs[0].present}
    assert "loss-differing-between-kernels" in found


def test_the_variants_of_a_run_come_after_it(tmp_path: Path) -> None:
    write(tmp_path, train="".join(FALLING.splitlines(keepends=True)[:5]), train_cpu=FALLING.replace("2.9", "5.9"))
    assert [record.name for record in collect(tmp_path).records] == ["train.log", "train_cpu.log"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_know_the_companions_too(tmp_path: Path, jobs: int) -> None:
    write(tmp_path, train_eager=FALLING, train_fused=BROKEN)
    judged = judge_all(collect(tmp_path).records, jobs)
    slugs = [
        {f.entry.rule.slug for f in one.findings if isinstance(f.verdict, Present) and f.entry.group == "comparison"}
        for one in judged
    ]
    assert slugs == [{"loss-differing-between-kernels"}] * 2
    assert all(len(one.measured.companions) == 1 for one in judged)
