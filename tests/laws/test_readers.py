"""Laws of the readers that hold for every file: read or refuse, and never lose or invent a row."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trainclinic.readers.collect import collect
from trainclinic.readers.file import LogFile
from trainclinic.readers.folders.rows import settle_rows
from trainclinic.readers.reader import Reader, all_readers, pick_reader
from trainclinic.record.errors import ReadError
from trainclinic.record.run import RunRecord

relaxed = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

# Pieces that formats are made of, so that drawn files are almost right instead of plain noise.
TOKENS = [
    *("step", "iter", "epoch", "loss", "train_loss", "eval_loss", "lr", "grad_norm", "nan", "inf", "-Infinity", "None"),
    *("{", "}", "[", "]", ":", "=", ",", ";", "\t", " | ", "/", "%", "'", '"', "\\", "\n", "\r", "\r\n", "\x00", "\x1b[31m"),
    *("0", "1", "10", "2.5", "-3", "1e-5", "1e999", "9" * 30, "0x10", "1_000", "1,5", "٣", "²", "\ufeff", "\ud7ff", "é"),
    *("{'loss': 2.5, 'epoch': 0.1}", '{"loss": 2.5, "step": 10}', "step 10: train loss 2.5, val loss 2.6", "---\n"),
    *('"log_history": [', "step,loss\n", "10,2.5\n", "model:\n  - a: &x [*x]\n", "Traceback (most recent call last):\n"),
    *("!!python/object/apply:os.system ['true']\n", "\x80\x04\x95", "cos\nsystem\n", "learning_rate = 1e-4\n", "it/s]"),
]  # fmt: skip
almost = st.lists(st.sampled_from(TOKENS) | st.text(max_size=6), max_size=60).map(
    lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
)
contents = almost | st.binary(max_size=400)
NAMES = [
    *("train.log", "metrics.csv", "metrics.tsv", "metrics.jsonl", "trainer_state.json", "history.json", "config.json"),
    *("train.yaml", "run.sh", "README.md", "training_args.bin", "training_args.json", "generations.txt", "config.py"),
    *("generations.jsonl", "requirements.txt", "ds_config.json", "environment.txt", "adapter_config.json", "out"),
]  # fmt: skip


def try_to_read(reader: Reader, file: LogFile) -> None:
    """Read, and accept a `ReadError` that says something; anything else fails the test."""
    assert 0.0 <= reader.sniff(file) <= 1.0
    try:
        fragments = reader.read(file)
    except ReadError as error:
        assert error.message  # noqa: PT017
        return
    for fragment in fragments:
        settle_rows(fragment, file)
        for name, column in fragment.columns.items():
            assert name
            assert len(column.step) == len(column.value) == len(column.line)
            assert min(column.step, default=0) >= 0
            assert np.asarray(column.value).dtype == np.float64


@pytest.mark.parametrize("reader", all_readers(), ids=lambda reader: reader.name)
@relaxed
@given(content=contents, name=st.sampled_from(NAMES))
@example(content=b"", name="train.log")
@example(content=b"\xff\xfe", name="metrics.csv")
@example(content=b"[" * 20_000, name="history.json")
@example(content=b'{"a":' * 5_000, name="config.json")
@example(content=b"- " * 3_000, name="train.yaml")
def test_a_reader_reads_or_refuses_whatever_it_is_given(reader: Reader, content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try_to_read(reader, LogFile(path))


@relaxed
@given(content=contents, name=st.sampled_from(NAMES))
def test_a_folder_is_read_or_refused_whatever_is_in_it(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        (Path(folder) / "trainer_state.json").write_text('{"log_history": [{"step": 1, "loss": 2.0}]}')
        assert collect(folder).records


# Rows of one run: ascending steps, values with four decimals as logs print them.
rows = st.lists(st.tuples(st.integers(1, 50), st.integers(-20_000, 90_000)), min_size=1, max_size=40).map(
    lambda pairs: [
        (step, value / 10_000)
        for step, (_, value) in zip(np.cumsum([gap for gap, _ in pairs]).tolist(), pairs, strict=True)
    ]
)
Rows = list[tuple[int, float]]


def as_csv(rows: Rows) -> str:
    return "step,train_loss\n" + "".join(f"{step},{value}\n" for step, value in rows)


def as_jsonl(rows: Rows) -> str:
    return "".join(json.dumps({"step": step, "loss": value}) + "\n" for step, value in rows)


def as_state(rows: Rows) -> str:
    history = [{"loss": value, "step": step} for step, value in rows]
    return json.dumps({"log_history": history}, indent=2)


def as_console(rows: Rows) -> str:
    return "".join(f"step {step}: loss {value:.4f}, lr 1.0e-05\n" for step, value in rows)


FORMATS: dict[str, Callable[[Rows], str]] = {
    "metrics.csv": as_csv,
    "metrics.jsonl": as_jsonl,
    "trainer_state.json": as_state,
    "train.log": as_console,
}


def read_back(files: dict[str, str]) -> RunRecord:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        (record,) = collect(folder).records
    return record


def pairs(record: RunRecord) -> Rows:
    loss = record.series["train/loss"]
    return list(zip(loss.step.tolist(), loss.value.tolist(), strict=True))


@pytest.mark.parametrize("name", FORMATS)
@relaxed
@given(rows=rows)
def test_every_format_gives_back_the_rows_that_were_written(name: str, rows: Rows) -> None:
    assert pairs(read_back({name: FORMATS[name](rows)})) == rows


@pytest.mark.parametrize("name", ["metrics.csv", "metrics.jsonl", "train.log"])
@relaxed
@given(rows=rows.filter(lambda rows: len(rows) > 1), data=st.data())
def test_splitting_a_log_in_two_files_changes_nothing(name: str, rows: Rows, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(rows) - 1))
    stem, suffix = name.split(".")
    whole = read_back({name: FORMATS[name](rows)})
    parts = {f"{stem}_part1.{suffix}": FORMATS[name](rows[:cut]), f"{stem}_part2.{suffix}": FORMATS[name](rows[cut:])}
    split = read_back(parts)
    assert pairs(split) == pairs(whole)
    assert not split.series["train/loss"].segment.any()


@pytest.mark.parametrize(
    "name", ["metrics.csv", "metrics.jsonl", "trainer_state.json"]
)  # a console is a stream in time
@relaxed
@given(rows=rows, data=st.data())
def test_swapped_parts_and_reversed_rows_change_nothing(name: str, rows: Rows, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    for order in (rows[cut:] + rows[:cut], rows[::-1]):
        assert pairs(read_back({name: FORMATS[name](order)})) == rows


@pytest.mark.parametrize("name", ["metrics.csv", "metrics.jsonl", "train.log"])
@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@relaxed
@given(rows=rows)
def test_line_ends_change_nothing(name: str, ending: str, rows: Rows) -> None:
    text = FORMATS[name](rows)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(text.replace("\n", ending).encode())
        (record,) = collect(folder).records
    assert pairs(record) == rows


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_the_encoding_changes_nothing(name: str, encoding: str, tmp_path: Path) -> None:
    rows = [(10 * n, 2.5 - n / 100) for n in range(1, 20)]
    (tmp_path / name).write_bytes(FORMATS[name](rows).encode(encoding))
    (record,) = collect(tmp_path).records
    assert pairs(record) == rows


def test_an_unreadable_name_goes_to_no_reader(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x00\x01\x02" * 100)
    assert pick_reader(LogFile(tmp_path / "x")) is None
