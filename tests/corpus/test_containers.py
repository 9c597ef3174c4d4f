"""Containers: rows with their lines, whatever the file is called, and damage that is told and stops nothing."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainclinic.corpus.container import all_containers
from trainclinic.corpus.corpus import Shard
from trainclinic.corpus.open import looks_like_data, open_corpus
from trainclinic.corpus.sample import Sample, Trouble
from trainclinic.record.errors import ReadError

ROWS = [{"prompt": f"Question {at}?", "completion": f"Answer {at},\nwith a second line."} for at in range(5)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def shard(folder: Path, name: str, data: str | bytes) -> Shard:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return open_corpus([path]).shards[0]


def samples(found: Shard) -> list[Sample]:
    return [row for row in found.rows() if isinstance(row, Sample)]


def troubles(found: Shard) -> list[Trouble]:
    return [row for row in found.rows() if isinstance(row, Trouble)]


def as_csv(delimiter: str) -> str:
    rows = [f'"{row["prompt"]}"{delimiter}"{row["completion"]}"\n' for row in ROWS]
    return f"prompt{delimiter}completion\n" + "".join(rows)


def packed_zst(data: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    return zstandard.ZstdCompressor().compress(data)


def frame_file(folder: Path, name: str) -> Shard:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(ROWS)
    path = folder / name
    if name.endswith(".parquet"):
        frame.write_parquet(path)
    elif "stream" in name:
        frame.write_ipc_stream(path)
    else:
        frame.write_ipc(path)
    return open_corpus([path]).shards[0]


@pytest.mark.parametrize(
    ("name", "data", "form", "lines"),
    [
        ("a.jsonl", LINES, "jsonl", [1, 2, 3, 4, 5]),
        ("a.json", LINES, "jsonl", [1, 2, 3, 4, 5]),
        ("a.txt", LINES, "jsonl", [1, 2, 3, 4, 5]),
        ("a.json", json.dumps(ROWS), "json", [1] * 5),
        ("a.json", json.dumps(ROWS, indent=1), "json", [2, 6, 10, 14, 18]),
        ("a.json", json.dumps({"data": ROWS, "version": 1}), "json", [1] * 5),
        ("a.csv", as_csv(","), "csv", [2, 4, 6, 8, 10]),
        ("a.tsv", as_csv("\t"), "tsv", [2, 4, 6, 8, 10]),
        ("a.csv", as_csv("\t"), "tsv", [2, 4, 6, 8, 10]),
        ("a.csv", as_csv(";"), "csv", [2, 4, 6, 8, 10]),
        ("a.txt", as_csv("|"), "csv", [2, 4, 6, 8, 10]),
        ("a.jsonl", "\ufeff" + LINES, "jsonl", [1, 2, 3, 4, 5]),
        ("a.jsonl", LINES.encode("utf-16"), "jsonl", [1, 2, 3, 4, 5]),
        ("a.jsonl.gz", gzip.compress(LINES.encode()), "jsonl", [1, 2, 3, 4, 5]),
    ],
)
def test_the_same_rows_are_read_from_every_container_with_their_lines(
    name: str, data: str | bytes, form: str, lines: list[int], tmp_path: Path
) -> None:
    found = shard(tmp_path, name, data)
    assert found.form == form
    rows = samples(found)
    assert [row.messages[0].content for row in rows] == [row["prompt"] for row in ROWS]
    assert [row.answer for row in rows] == [row["completion"] for row in ROWS]
    assert [row.source.line for row in rows] == lines
    assert [row.number for row in rows] == list(range(5))


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a-stream.arrow"])
def test_tables_in_binary_files_have_numbers_of_rows(name: str, tmp_path: Path) -> None:
    rows = samples(frame_file(tmp_path, name))
    assert [row.answer for row in rows] == [row["completion"] for row in ROWS]
    assert [row.source.key for row in rows] == [f"row {at}" for at in range(1, 6)]


def test_zstandard_is_unpacked(tmp_path: Path) -> None:
    assert len(samples(shard(tmp_path, "a.jsonl.zst", packed_zst(LINES.encode())))) == 5


def test_a_cut_off_archive_gives_what_it_holds_and_one_trouble(tmp_path: Path) -> None:
    many = "".join(json.dumps({"text": f"{at} {at * 7919 % 1000}"}) + "\n" for at in range(5_000))
    found = shard(tmp_path, "a.jsonl.gz", gzip.compress(many.encode())[:-2_000])
    assert 1_000 < len(samples(found)) < 5_000
    assert [one.kind for one in troubles(found) if one.kind == "unreadable"] == ["unreadable"]


def test_bad_lines_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    text = (
        '{"text": "a"}\n{"text": "b"\n\n3\n{"text": NaN}\n{"text": "c",}\n{"text": "d", "text": "e"}\n{"text": "f"}\n'
    )
    found = shard(tmp_path, "a.jsonl", text)
    assert [row.text for row in samples(found)] == ["a", "NaN", "c", "e", "f"]
    told = [(one.kind, one.source.line, one.loses_row) for one in troubles(found) if one.kind != "wrong-type"]
    assert told == [
        ("broken-json", 2, True), ("not-an-object", 4, True), ("broken-json", 5, False), ("broken-json", 6, False),
        ("duplicate-key", 7, False),
    ]  # fmt: skip


def test_bytes_that_are_no_text_are_replaced_and_told(tmp_path: Path) -> None:
    found = shard(tmp_path, "a.jsonl", b'{"text": "a\xff"}\n{"text": "b"}\n')
    assert [row.text for row in samples(found)] == ["a\ufffd", "b"]
    assert [one.kind for one in troubles(found)] == ["undecodable-bytes"]


def test_rows_with_other_numbers_of_cells_are_told(tmp_path: Path) -> None:
    found = shard(tmp_path, "a.csv", "prompt,completion\na,b\nc\nd,e,f\n")
    assert [row.answer for row in samples(found)] == ["b", "", "e"]
    assert [(one.kind, one.source.line) for one in troubles(found) if one.kind == "uneven-columns"] == [
        ("uneven-columns", 3),
        ("uneven-columns", 4),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "QUESTION: Why?\n\nIs it rust?\n\nANSWER:\nRust.\n\nYes.\n\n---\n\nQUESTION: Who?\nANSWER: The smith.\n",
        "**Q:** Why?\n\nIs it rust?\n\n**A:** Rust.\n\nYes.\n\n**Q:** Who?\n**A:** The smith.\n",
        "### Instruction:\nWhy?\n\nIs it rust?\n\n### Response:\nRust.\n\nYes.\n\n### Instruction:\nWho?\n### Response:\nThe smith.",
        "User: Why?\n\nIs it rust?\nAssistant: Rust.\n\nYes.\nUser: Who?\nAssistant: The smith.\n",
        "## Why?\n\nIs it rust?\n",
    ],
)
def test_questions_and_answers_in_text_are_paired(text: str, tmp_path: Path) -> None:
    found = shard(tmp_path, "a.md", text)
    rows = samples(found)
    assert found.form == "markdown"
    if text.startswith("##") and "Instruction" not in text:
        assert [(row.prompt, row.answer) for row in rows] == [("Why?", "Is it rust?")]
        return
    assert [(row.prompt, row.answer) for row in rows] == [
        ("Why?\n\nIs it rust?", "Rust.\n\nYes."),
        ("Who?", "The smith."),
    ]
    assert rows[0].source.line == 1


def test_a_question_without_answer_is_told_with_its_line(tmp_path: Path) -> None:
    text = "QUESTION: One?\nANSWER: Yes.\nQUESTION: Two?\nQUESTION: Three?\nANSWER: No.\nANSWER: Never.\n"
    found = shard(tmp_path, "a.txt", text)
    assert [row.prompt for row in samples(found)] == ["One?", "Three?"]
    assert [(one.kind, one.source.line) for one in troubles(found)] == [
        ("unpaired-question", 3),
        ("unpaired-answer", 6),
    ]


def test_plain_text_is_cut_between_paragraphs(tmp_path: Path) -> None:
    paragraph = "The pump starts when the float rises. " * 30
    found = shard(tmp_path, "a.txt", f"{paragraph}\n\n" * 10)
    rows = samples(found)
    assert found.form == "text"
    assert len(rows) == 3
    assert [row.source.line for row in rows] == [1, 9, 17]
    assert sum(row.text.count("float") for row in rows) == 300


def test_splits_are_told_by_names_of_files_and_folders(tmp_path: Path) -> None:
    for name in ("train.jsonl", "val_data.jsonl", "test/a.jsonl", "latest.jsonl", "contest.jsonl", "data-eval.jsonl"):
        shard(tmp_path, name, LINES)
    found = {one.name: one.split for one in open_corpus([tmp_path]).shards}
    assert {name for name, split in found.items() if split == "held-out"} == {
        "val_data.jsonl", "test/a.jsonl", "data-eval.jsonl",
    }  # fmt: skip
    assert len(found) == 6


def test_a_folder_that_datasets_saved_is_read(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    for split, rows in (("train", ROWS), ("test", ROWS[:2])):
        folder = tmp_path / split
        folder.mkdir()
        polars.DataFrame(rows).write_ipc_stream(folder / "data-00000-of-00001.arrow")
        (folder / "state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}')
        (folder / "dataset_info.json").write_text('{"features": {}}')
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    corpus = open_corpus([tmp_path])
    assert [(one.name, one.split) for one in corpus.shards] == [
        ("test/data-00000-of-00001.arrow", "held-out"),
        ("train/data-00000-of-00001.arrow", "train"),
    ]
    assert len(samples(corpus.of("train").shards[0])) == 5


def test_what_is_no_data_is_left_alone_in_a_folder(tmp_path: Path) -> None:
    shard(tmp_path, "train.jsonl", LINES)
    for name, text in (
        ("trainer_state.json", '{"log_history": [{"loss": 1, "step": 1}]}'),
        ("config.json", '{"model_type": "gpt2"}'),
        ("metrics.csv", "step,loss\n1,2\n2,3\n"),
        ("README.md", "# A run\n\nText.\n"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [one.name for one in open_corpus([tmp_path]).shards] == ["train.jsonl"]


@pytest.mark.parametrize(
    ("name", "text", "is_data"),
    [
        ("train.jsonl", LINES, True),
        ("rows.csv", as_csv(","), True),
        ("generations.jsonl", LINES, False),
        ("metrics.jsonl", '{"step": 1, "loss": 2.0}\n', False),
        ("log.jsonl", '{"text": "starting", "step": 1}\n', False),
        ("run.jsonl", '{"text": "starting", "step": 1}\n', False),
        ("train.log", "step 1 loss 2.0\n", False),
        ("config.json", '{"prompt": "a", "completion": "b"}', False),
    ],
)
def test_beside_a_log_only_training_data_count_as_such(name: str, text: str, is_data: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert looks_like_data(tmp_path / name) is is_data


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "nowhere.jsonl", "does not exist"),
        (lambda folder: folder / "*.jsonl", "matches no file"),
        (lambda folder: folder, "holds no training data"),
    ],
)
def test_what_cannot_be_opened_is_an_error_that_says_why(make: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=says):
        open_corpus([make(tmp_path)])  # type: ignore[operator]


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        bytes.__add__,
        st.sampled_from(
            [
                b"",
                b"PAR1",
                b"ARROW1\0\0",
                b"\xff\xff\xff\xff\x10\0\0\0",
                b"\x1f\x8b\x08",
                b"[",
                b'{"text": "a"}\n',
                b"\xff\xfe",
            ]
        ),
        st.binary(max_size=400),
    ),
    st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.tsv", "a.md", "a.txt", "a.bin"]),
)
def test_any_bytes_are_read_or_refused_and_nothing_else_happens(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    try:
        found = open_corpus([path])
    except ReadError:
        return
    for row in found.shards[0].rows():
        assert isinstance(row, (Sample, Trouble))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=40), st.text(max_size=40)), min_size=1, max_size=8),
    st.sampled_from(["lines", "document"]),
)
def test_rows_that_were_written_are_read_again(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], form: str
) -> None:
    rows = [{"prompt": prompt, "completion": completion} for prompt, completion in pairs]
    path = tmp_path_factory.getbasetemp() / f"round-{form}.json"
    text = json.dumps(rows) if form == "document" else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    found = [row for row in open_corpus([path]).shards[0].rows() if isinstance(row, Sample)]
    assert [(row.prompt, row.answer) for row in found] == pairs


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
WRITTEN = {
    "alpaca": lambda asks, says: {"instruction": asks, "input": "", "output": says},
    "sharegpt": lambda asks, says: {
        "conversations": [{"from": "human", "value": asks}, {"from": "gpt", "value": says}]
    },
    "messages": lambda asks, says: {
        "messages": [{"role": "user", "content": asks}, {"role": "assistant", "content": says}]
    },
    "prompt-completion": lambda asks, says: {"prompt": asks, "completion": says},
    "preference": lambda asks, says: {"prompt": asks, "chosen": says, "rejected": "No."},
    "kto": lambda asks, says: {"prompt": asks, "completion": says, "label": True},
}


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4),
    st.sampled_from(list(WRITTEN)),
    st.sampled_from(["jsonl", "json", "csv", "tsv", "parquet", "arrow"]),
)
def test_every_way_of_writing_is_read_again_from_every_container(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], schema: str, form: str
) -> None:
    polars = pytest.importorskip("polars")
    rows = [WRITTEN[schema](asks, says) for asks, says in pairs]
    path = tmp_path_factory.getbasetemp() / f"{schema}.{form}"
    if form in {"csv", "tsv"}:
        cells = [{name: one if isinstance(one, str) else json.dumps(one) for name, one in row.items()} for row in rows]
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, cells[0].keys(), delimiter="," if form == "csv" else "\t")
            writer.writeheader()
            writer.writerows(cells)
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif form == "json":
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    elif form == "parquet":
        polars.DataFrame(rows).write_parquet(path)
    else:
        polars.DataFrame(rows).write_ipc_stream(path)
    shard = open_corpus([path]).shards[0]
    assert (shard.form, shard.schema) == (form, schema)
    found = [row for row in shard.rows() if isinstance(row, Sample)]
    assert [[(turn.role, turn.content) for turn in row.messages] for row in found] == [
        [("user", asks), ("assistant", says)] for asks, says in pairs
    ]


def test_every_container_says_how_it_is_recognised() -> None:
    for form, container in all_containers().items():
        assert container.form == form
        assert container.title
        assert container.recognised_by
