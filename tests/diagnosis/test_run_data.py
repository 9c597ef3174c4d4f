"""Training data beside a log: found, examined under the settings of the run, and used as evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.encoding import tokenizers

from trainclinic.diagnosis.diagnose import diagnose
from trainclinic.record.errors import ReadError

LOG = "".join(f"{{'loss': {2.0 - at * 0.02:.3f}, 'learning_rate': 2e-05, 'epoch': {at / 20}}}\n" for at in range(20))


def run_folder(folder: Path, rows: list[dict[str, str]], name: str = "train_data.jsonl") -> Path:
    (folder / "train.log").write_text(LOG, encoding="utf-8")
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def rows(count: int) -> list[dict[str, str]]:
    return [
        {"prompt": f"Where is tool {at}?", "completion": f"On shelf {at * 7 % 31} of room {at}."} for at in range(count)
    ]


def slugs(folder: Path, **options: object) -> set[str]:
    return {f.entry.rule.slug for f in diagnose(folder, **options).findings if f.is_present}  # type: ignore[arg-type]


def test_data_beside_a_log_are_examined_and_no_longer_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    run = run_folder(tmp_path, [{"prompt": "Why?", "completion": ""}] * 3 + rows(3))
    diagnosis = diagnose(run)
    found = next(f for f in diagnosis.findings if f.entry.rule.slug == "empty-answer-rows")
    assert found.is_present
    assert found.verdict.evidence[0].source is not None  # type: ignore[union-attr]
    assert found.verdict.evidence[0].source.path == "train_data.jsonl"  # type: ignore[union-attr]
    assert diagnosis.record.damage == ()
    assert diagnosis.damage == ()


def test_rows_that_were_trained_on_and_held_out_speak_for_leakage(tmp_path: Path) -> None:
    run_folder(tmp_path, rows(12), "val_data.jsonl")
    run = run_folder(tmp_path, rows(60))
    causes = {cause.slug: cause for cause in diagnose(run).runs[0].document.causes}
    assert "split-overlap" in [one.slug for one in causes["train-eval-leakage"].evidence_for]


def test_an_empty_list_examines_none_and_a_named_file_replaces_those_beside_the_log(tmp_path: Path) -> None:
    run = run_folder(tmp_path, [{"prompt": "Why?", "completion": ""}] * 3)
    other = tmp_path / "elsewhere"
    other.mkdir()
    run_folder(other, rows(5))
    assert "empty-answer-rows" in slugs(run / "train.log", data=[run / "train_data.jsonl"])
    assert "empty-answer-rows" not in slugs(run, data=[])
    assert "empty-answer-rows" not in slugs(run, data=[other / "train_data.jsonl"])


def test_a_named_file_that_is_no_data_is_an_error(tmp_path: Path) -> None:
    run = run_folder(tmp_path, rows(3))
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(ReadError, match="empty"):
        diagnose(run, data=[tmp_path / "empty.jsonl"])


def test_symptoms_that_no_cause_listens_to_stay_with_the_data_command(tmp_path: Path) -> None:
    twice = [{"prompt": "Where is it?", "completion": f"In room {at}."} for at in range(30)]
    run = run_folder(tmp_path, twice)
    assert "conflicting-answers" not in {f.entry.rule.slug for f in diagnose(run).findings}


def test_the_entropy_of_the_targets_becomes_the_baseline_of_the_loss(tmp_path: Path) -> None:
    run = run_folder(tmp_path, rows(50))
    tokenizers.gpt2_like(tmp_path / "tokenizer")
    alone = diagnose(run, data=[run / "train_data.jsonl"])
    known = diagnose(run, data=[run / "train_data.jsonl"], tokenizer=str(tmp_path / "tokenizer"))
    assert alone.runs[0].measured.unigram_entropy is None
    entropy = known.runs[0].measured.unigram_entropy
    assert entropy is not None
    assert 2.0 < entropy < 5.0


def test_too_much_data_beside_a_log_are_left_alone_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainclinic.diagnosis.run_data.MOST_BYTES", 10)
    run = run_folder(tmp_path, [{"prompt": "Why?", "completion": ""}] * 3)
    diagnosis = diagnose(run)
    assert "empty-answer-rows" not in {f.entry.rule.slug for f in diagnosis.findings}
    assert any("--data" in one.says for one in diagnosis.record.damage)
