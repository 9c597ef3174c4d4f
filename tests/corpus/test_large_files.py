"""Files in pieces: values that begin in one piece and end in another, batches of a stream, damage in the middle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainclinic.corpus import archives, stream
from trainclinic.corpus.arrow_stream import batches
from trainclinic.corpus.corpus import Shard
from trainclinic.corpus.open import open_corpus
from trainclinic.corpus.sample import Sample, Trouble

ROWS = [{"prompt": f"Question {at}, «naïve»?", "completion": f"Answer {at}. " * 9} for at in range(40)]
STEP = 25


def read(shard: Shard) -> tuple[list[Sample], list[Trouble]]:
    rows = list(shard.rows())
    return [row for row in rows if isinstance(row, Sample)], [row for row in rows if isinstance(row, Trouble)]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "BLOCK_BYTES", 97)
    monkeypatch.setattr(stream, "MAX_LINE", 600)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS, ensure_ascii=False),
        json.dumps({"version": 1.25, "data": ROWS}, ensure_ascii=False, indent=2),
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS),
    ],
    ids=["one line", "indented", "lines"],
)
def test_a_document_of_any_length_is_read_piece_by_piece(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(text, encoding="utf-8")
    samples, troubles = read(open_corpus([path]).shards[0])
    assert troubles == []
    assert [sample.answer for sample in samples] == [row["completion"] for row in ROWS]


@pytest.mark.usefixtures("small_pieces")
def test_a_line_that_is_too_long_is_told_and_the_next_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps({"text": text}) for text in ("a", "b" * 5_000, "c")]
    path.write_text("\n".join(lines), encoding="utf-8")
    samples, troubles = read(open_corpus([path]).shards[0])
    assert [(sample.text, sample.source.line, sample.number) for sample in samples] == [("a", 1, 0), ("c", 3, 2)]
    assert [(one.kind, one.source.line, one.loses_row) for one in troubles] == [("unreadable", 2, True)]


def test_a_broken_row_of_a_document_does_not_cost_the_rows_behind_it(tmp_path: Path) -> None:
    parts = [json.dumps(row) for row in ROWS]
    parts[3] = '{"prompt": "Why?" "completion": "Rust."}'
    path = tmp_path / "rows.json"
    path.write_text("[\n" + ",\n".join(parts) + "\n]\n", encoding="utf-8")
    samples, troubles = read(open_corpus([path]).shards[0])
    assert [sample.source.line for sample in samples] == [line for line in range(2, 42) if line != 5]
    assert [sample.number for sample in samples] == [number for number in range(40) if number != 3]
    assert [(one.kind, one.source.line, one.loses_row) for one in troubles] == [("broken-json", 5, True)]


def test_a_broken_row_near_the_end_of_a_document_is_told_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    rows = [
        '{"prompt": "a", "completion": "b"}',
        '{"prompt": "c" "completion": "d"}',
        '{"prompt": "e", "completion": "f"}',
    ]
    path.write_text("[\n" + ",\n".join(rows) + "\n]", encoding="utf-8")
    samples, troubles = read(open_corpus([path]).shards[0])
    assert [sample.answer for sample in samples] == ["b", "f"]
    assert [(one.kind, one.source.line) for one in troubles] == [("broken-json", 3)]
    assert "at character 16" in troubles[0].says


def test_columns_of_a_document_become_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"instruction": ["a", "b"], "output": ["c", "d"]}), encoding="utf-8")
    samples, troubles = read(open_corpus([path]).shards[0])
    assert [(sample.prompt, sample.answer) for sample in samples] == [("a", "c"), ("b", "d")]
    assert troubles == []


def arrow_file(folder: Path) -> Path:
    """A stream of several batches, as `datasets` writes it: one schema, then a batch for each thousand rows."""
    polars = pytest.importorskip("polars")
    streams = []
    for start in range(0, len(ROWS), STEP):
        part = folder / f"part{start}"
        polars.DataFrame(ROWS[start : start + STEP]).write_ipc_stream(part)
        streams.append(part.read_bytes())
        part.unlink()
    end = b"\xff\xff\xff\xff\0\0\0\0"
    schema_length = 8 + int.from_bytes(streams[0][4:8], "little")
    bodies = [one.removesuffix(end)[schema_length:] for one in streams]
    path = folder / "data-00000-of-00001.arrow"
    path.write_bytes(streams[0][:schema_length] + b"".join(bodies) + end)
    return path


def test_an_arrow_stream_is_read_batch_by_batch(tmp_path: Path) -> None:
    path = arrow_file(tmp_path)
    data = path.read_bytes()
    assert len(list(batches([data[at : at + 100] for at in range(0, len(data), 100)]))) == 2
    samples, troubles = read(open_corpus([path]).shards[0])
    assert [sample.answer for sample in samples] == [row["completion"] for row in ROWS]
    assert samples[-1].source.key == "row 40"
    assert troubles == []


def test_an_arrow_stream_that_is_cut_off_gives_its_whole_batches(tmp_path: Path) -> None:
    path = arrow_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    samples, troubles = read(open_corpus([path]).shards[0])
    assert len(samples) == STEP
    (told,) = troubles
    assert (told.kind, told.says) == (
        "unreadable",
        "the table cannot be read on after row 25: the stream ends inside of a message",
    )


def test_a_text_without_blank_lines_is_cut_between_lines(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    path.write_text("Enter a smith.\n" * 4_000, encoding="utf-8")
    samples, _ = read(open_corpus([path]).shards[0])
    assert len(samples) == 4
    assert all(len(sample.text) <= 16_020 for sample in samples)
    assert sum(sample.text.count("smith") for sample in samples) == 4_000
    assert samples[1].source.line == 1 + samples[0].text.count("\n") + 1
