"""What the user points at: splits, names, folders that `datasets` saves, and what counts where there is nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainclinic.corpus.open import open_corpus
from trainclinic.corpus.sample import Sample

LINES = '{"prompt": "Why?", "completion": "Rust."}\n' * 3
PAIRS = "QUESTION: Why?\nANSWER: Rust.\nQUESTION: Who?\nANSWER: The smith.\n"


def write(folder: Path, *names: str, text: str = LINES) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def splits(*targets: Path | str, **options: list[Path]) -> dict[str, str]:
    return {one.name: one.split for one in open_corpus(targets, **options).shards}  # type: ignore[arg-type]


def test_the_name_of_a_file_says_more_than_the_names_of_its_folders(tmp_path: Path) -> None:
    write(tmp_path, "eval/train_part.jsonl", "eval/a.jsonl", "train/val.jsonl", "train_test_mix.jsonl", "b.jsonl")
    assert splits(tmp_path) == {
        "b.jsonl": "train",
        "eval/a.jsonl": "held-out",
        "eval/train_part.jsonl": "train",
        "train/val.jsonl": "held-out",
        "train_test_mix.jsonl": "train",
    }


def test_data_that_are_all_held_out_by_name_are_what_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "test.jsonl", "val.jsonl")
    assert set(splits(tmp_path).values()) == {"train"}
    assert splits(tmp_path / "test.jsonl") == {"test.jsonl": "train"}


def test_held_out_paths_are_held_out_even_when_they_are_named_twice(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", "b.jsonl")
    assert splits(tmp_path, held_out=[tmp_path / "b.jsonl"]) == {"a.jsonl": "train", "b.jsonl": "held-out"}


def test_folders_of_a_path_above_the_target_say_nothing(tmp_path: Path) -> None:
    home = tmp_path / "test" / "eval"
    write(home, "part1.jsonl", "part2.jsonl", "part10.jsonl")
    assert splits(f"{home}/part*.jsonl") == dict.fromkeys(["part1.jsonl", "part2.jsonl", "part10.jsonl"], "train")
    assert set(splits(home).values()) == {"train"}


def test_of_several_folders_the_names_tell_the_splits_and_the_files_apart(tmp_path: Path) -> None:
    write(tmp_path, "train/a.jsonl", "test/a.jsonl")
    corpus = open_corpus([tmp_path / "train", f"{tmp_path}/test/*.jsonl"])
    assert [one.split for one in corpus.shards] == ["train", "held-out"]
    assert [one.name for one in corpus.shards] == [f"{tmp_path}/train/a.jsonl", f"{tmp_path}/test/a.jsonl"]


def test_files_come_in_natural_order(tmp_path: Path) -> None:
    write(tmp_path, "p10.jsonl", "p9.jsonl", "p1.jsonl")
    assert list(splits(tmp_path)) == ["p1.jsonl", "p9.jsonl", "p10.jsonl"]


def test_of_a_saved_data_set_only_the_listed_files_count(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"text": ["a", "b"]})
    for name in ("data-00000-of-00002.arrow", "data-00001-of-00002.arrow", "data-00000-of-00001.arrow"):
        frame.write_ipc_stream(tmp_path / name)
    listed = [{"filename": f"data-0000{at}-of-00002.arrow"} for at in (0, 1)]
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": listed}), encoding="utf-8")
    assert list(splits(tmp_path)) == ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]


def test_what_was_cached_of_other_files_is_left_alone(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    for name in ("rows-train.arrow", "cache-0123abcd.arrow"):
        polars.DataFrame({"text": ["a", "b"]}).write_ipc_stream(tmp_path / name)
    assert list(splits(tmp_path)) == ["rows-train.arrow"]
    (tmp_path / "rows-train.arrow").unlink()
    assert list(splits(tmp_path)) == ["cache-0123abcd.arrow"]


def test_prose_counts_where_nothing_else_is_data(tmp_path: Path) -> None:
    write(tmp_path, "letters.md", text=PAIRS)
    write(tmp_path, "metrics.csv", text="step,loss\n1,2\n2,3\n")
    assert list(splits(tmp_path)) == ["letters.md"]
    write(tmp_path, "rows.jsonl")
    assert list(splits(tmp_path)) == ["rows.jsonl"]


def test_letters_are_read_as_plain_text_when_that_is_how_they_are_trained_on(tmp_path: Path) -> None:
    write(tmp_path, "letters.md", text=PAIRS)
    (shard,) = open_corpus([tmp_path / "letters.md"], schema="text").shards
    assert (shard.form, shard.schema) == ("text", "text")
    (row,) = (row for row in shard.rows() if isinstance(row, Sample))
    assert row.text == PAIRS.rstrip()
