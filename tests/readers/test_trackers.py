"""Readers of trackers: what the cases of single files cannot show, from block borders to folders and side files."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from trainclinic.readers.binary import event_layouts, record_file
from trainclinic.readers.binary.checksums import masked_checksums
from trainclinic.readers.binary.chunk_log import chunk_records
from trainclinic.readers.binary.history_items import HistoryRows, keyed_values
from trainclinic.readers.binary.wire import NotProtobuf, fields
from trainclinic.readers.collect import collect
from trainclinic.readers.file import LogFile
from trainclinic.readers.formats import (
    clearml_metrics,
    mlflow_database,
    tensorboard_events,
    trackio_database,
    wandb_run,
)
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import pick_reader
from trainclinic.readers.tables.table import Table
from trainclinic.record.errors import ReadError

HERE = Path(__file__).parent
EVENTS = next((HERE / "tensorboard_events/trainer").glob("events.*"))
DAMAGED = next((HERE / "tensorboard_events/damaged").glob("events.*"))
TENSORS = next((HERE / "tensorboard_events/tensors").glob("events.*"))
RUN = HERE / "wandb_run/trainer/run-abcd1234.wandb"
MLFLOW = HERE / "mlflow_database/two_runs/mlflow.db"
TRACKIO = HERE / "trackio_database/two_runs/demo.db"
STORE = HERE / "mlflow_store"


def same(one: Fragment, two: Fragment) -> bool:
    """Whether two fragments hold the same columns, NaN equal to NaN."""
    return list(one.columns) == list(two.columns) and all(
        np.array_equal(np.asarray(getattr(one.columns[name], part)), np.asarray(getattr(two.columns[name], part)), True)
        for name in one.columns
        for part in ("step", "value", "line")
    )


class TestChecksums:
    def test_the_check_value_of_the_polynomial_comes_out(self) -> None:
        rows = np.frombuffer(b"123456789" * 2, np.uint8).reshape(2, 9)
        rotated = ((0xE3069283 >> 15) | (0xE3069283 << 17)) & 0xFFFFFFFF
        expected = (rotated + 0xA282EAD8) & 0xFFFFFFFF
        assert masked_checksums(rows).tolist() == [expected, expected]

    def test_bytes_that_do_not_vary_are_counted_once_and_right(self) -> None:
        rows = np.zeros((3, 40), np.uint8)
        rows[:, 7] = [1, 2, 3]
        assert (masked_checksums(rows, np.array([7])) == masked_checksums(rows)).all()


class TestEventFiles:
    @pytest.mark.parametrize("path", [EVENTS, DAMAGED, TENSORS])
    @pytest.mark.parametrize("size", [64, 700, 5_000])
    def test_small_blocks_give_what_one_block_gives(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, size: int
    ) -> None:
        whole = LogFile(path)
        (expected,) = tensorboard_events.read(whole)
        monkeypatch.setattr(record_file, "BLOCK_BYTES", size)
        file = LogFile(path)
        (fragment,) = tensorboard_events.read(file)
        assert same(fragment, expected)
        assert fragment.facts == expected.facts
        assert file.damage == whole.damage

    def test_records_one_by_one_give_what_arrays_give(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (expected,) = tensorboard_events.read(LogFile(TENSORS))
        monkeypatch.setattr(event_layouts, "MAX_LAYOUTS", 0)
        (fragment,) = tensorboard_events.read(LogFile(TENSORS))
        assert same(fragment, expected)

    @pytest.mark.parametrize("seed", range(20))
    def test_a_changed_byte_changes_no_value_in_silence(self, tmp_path: Path, seed: int) -> None:
        data = bytearray(EVENTS.read_bytes())
        chance = np.random.default_rng(seed)
        data[int(chance.integers(60, len(data)))] ^= 1 << int(chance.integers(8))
        path = tmp_path / EVENTS.name
        path.write_bytes(data)
        file = LogFile(path)
        (fragment,) = tensorboard_events.read(file)
        (expected,) = tensorboard_events.read(LogFile(EVENTS))
        for name, column in fragment.columns.items():
            known = dict(zip(expected.columns[name].step, expected.columns[name].value, strict=True))
            values = [known[step] for step in column.step]
            assert np.array_equal(np.asarray(column.value), np.asarray(values), equal_nan=True)
        is_whole = same(fragment, expected)
        assert file.damage or is_whole

    def test_a_value_with_a_flipped_bit_is_left_out_and_counted(self, tmp_path: Path) -> None:
        data = bytearray(EVENTS.read_bytes())
        at = [place for place in range(len(data)) if data.startswith(b"train/loss\x15", place)][2] + 11
        data[at + 2] ^= 8
        path = tmp_path / EVENTS.name
        path.write_bytes(data)
        file = LogFile(path)
        (fragment,) = tensorboard_events.read(file)
        assert list(fragment.columns["train/loss"].step)[:3] == [0, 2, 6]
        assert [(damage.source.line, damage.count) for damage in file.damage] == [(11, 1)]

    def test_a_folder_named_validation_makes_its_losses_evaluations(self, tmp_path: Path) -> None:
        folder = tmp_path / "validation"
        folder.mkdir()
        shutil.copyfile(TENSORS, folder / TENSORS.name)
        (fragment,) = tensorboard_events.read(LogFile(folder / TENSORS.name))
        assert "eval/loss" in fragment.columns
        assert "train/loss" not in fragment.columns

    def test_hyperparameters_in_a_folder_below_belong_to_the_run(self, tmp_path: Path) -> None:
        shutil.copytree(HERE / "tensorboard_events/hparams", tmp_path, dirs_exist_ok=True)
        (tmp_path / "expected.json").unlink()
        (record,) = collect(tmp_path).records
        assert record.facts.number("learning_rate") == pytest.approx(1e-3)
        assert record.series["train/loss"].step.tolist() == [7, 8, 9]

    def test_a_file_that_only_has_the_name_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "events.out.tfevents.1"
        path.write_bytes(b"loss: 2.5\n" * 10)
        with pytest.raises(ReadError, match="does not begin with a TensorBoard record"):
            tensorboard_events.read(LogFile(path))


def framed(records: Iterable[bytes]) -> bytes:
    """Records in blocks of 32 KiB, as the SDK frames them."""
    out = bytearray(b":W&B\xe1\xbe\x00")
    for record in records:
        rest, first = record, True
        while True:
            room = 32_768 - len(out) % 32_768
            if room < 7:
                out += bytes(room)
                continue
            piece, rest = rest[: room - 7], rest[room - 7 :]
            kind = (1 if first else 4) if not rest else (2 if first else 3)
            out += struct.pack("<IHB", zlib.crc32(piece, zlib.crc32(bytes([kind]))), len(piece), kind) + piece
            first = False
            if not rest:
                break
    return bytes(out)


class TestChunks:
    @pytest.fixture
    def records(self) -> list[bytes]:
        return [*list(chunk_records(LogFile(RUN))) * 6, bytes(range(256)) * 400, b"last"]

    def test_records_come_back_over_the_borders_of_blocks(self, tmp_path: Path, records: list[bytes]) -> None:
        path = tmp_path / "run.wandb"
        path.write_bytes(framed(records))
        assert list(chunk_records(LogFile(path))) == records

    def test_a_damaged_chunk_costs_its_record_alone(self, tmp_path: Path, records: list[bytes]) -> None:
        data = bytearray(framed(records))
        data[2_000] ^= 1
        path = tmp_path / "run.wandb"
        path.write_bytes(data)
        file = LogFile(path)
        assert len(list(chunk_records(file))) == len(records) - 1
        assert [(damage.says, damage.count) for damage in file.damage] == [("damaged record", 1)]

    def test_a_damaged_length_costs_the_rest_of_its_block(self, tmp_path: Path, records: list[bytes]) -> None:
        data = bytearray(framed(records))
        at = 7
        while at < 2_000:
            at += 7 + struct.unpack_from("<H", data, at + 4)[0]
        data[at + 5] ^= 0x20
        path = tmp_path / "run.wandb"
        path.write_bytes(data)
        file = LogFile(path)
        found = list(chunk_records(file))
        assert found[-1] == b"last"
        assert 0 < len(records) - len(found) < len(records)
        assert "skipped to the next block" in file.damage[0].says

    def test_bytes_that_are_no_message_are_said_to_be_none(self) -> None:
        with pytest.raises(NotProtobuf):
            list(fields(b"\x0a\xff\xff\xff\xff\x0f"))


class TestItems:
    def item(self, *parts: tuple[int, bytes]) -> bytes:
        return b"".join((bytes([n << 3 | 2]) if n < 16 else b"\x82\x01") + bytes([len(c)]) + c for n, c in parts)

    def test_the_parts_of_a_nested_key_are_joined(self) -> None:
        item = self.item((2, b"mine"), (2, b"own"), (16, b"2.5"))
        assert keyed_values(item, 0, len(item)) == ("mine/own", b"2.5")

    def test_the_short_way_and_the_general_one_give_the_same_table(self, tmp_path: Path) -> None:
        plain = self.item((1, b"a"), (16, b"1"))
        unusual = self.item((16, b"NaN"), (1, b"a"))
        row = b"".join(b"\x0a" + bytes([len(one)]) + one for one in (plain, unusual))
        (tmp_path / "x").write_bytes(b"")
        table = Table(LogFile(tmp_path / "x"), "wandb_run")
        rows = HistoryRows(table)
        rows.add(row, 0, len(row), 5)
        rows.settle()
        assert np.array_equal(table.column("a")[1], [1.0, np.nan], equal_nan=True)
        assert rows.numbers == [5]


class TestSummaries:
    def summary(self, folder: Path) -> Path:
        path = folder / "files" / "wandb-summary.json"
        path.parent.mkdir()
        path.write_text(json.dumps({"train/loss": 0.5, "eval/loss": 0.75, "_step": 90, "_wandb": {"runtime": 3}}))
        return path

    def test_a_summary_alone_is_the_last_row_of_its_run(self, tmp_path: Path) -> None:
        path = self.summary(tmp_path)
        file = LogFile(path)
        reader = pick_reader(file)
        assert reader is wandb_run.READER
        (fragment,) = reader.read(file)
        assert {name: (list(c.step), list(c.value)) for name, c in fragment.columns.items()} == {
            "train/loss": ([90], [0.5]),
            "eval/loss": ([90], [0.75]),
        }

    def test_a_summary_below_its_run_file_says_nothing_new(self, tmp_path: Path) -> None:
        path = self.summary(tmp_path)
        shutil.copyfile(RUN, tmp_path / RUN.name)
        assert wandb_run.read(LogFile(path)) == []


@pytest.mark.parametrize(("origin", "reader"), [(MLFLOW, mlflow_database), (TRACKIO, trackio_database)])
class TestDatabases:
    def test_reading_leaves_the_folder_as_it_was(self, tmp_path: Path, origin: Path, reader: object) -> None:
        path = tmp_path / origin.name
        shutil.copyfile(origin, path)
        with closing(sqlite3.connect(path)) as writer:
            writer.execute("PRAGMA journal_mode = WAL")
        before = {item.name: (item.read_bytes(), item.stat().st_mtime_ns) for item in tmp_path.iterdir()}
        file = LogFile(path)
        assert pick_reader(file) is reader.READER  # type: ignore[attr-defined]
        assert len(reader.read(file)) == 2  # type: ignore[attr-defined]
        after = {item.name: (item.read_bytes(), item.stat().st_mtime_ns) for item in tmp_path.iterdir()}
        assert after == before

    def test_writes_that_wait_beside_the_database_are_read(self, tmp_path: Path, origin: Path, reader: object) -> None:
        path = tmp_path / origin.name
        shutil.copyfile(origin, path)
        step = "UPDATE metrics SET step = step + 1000"
        with closing(sqlite3.connect(path)) as writer:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute(step)
            writer.commit()
            before = sorted(item.name for item in tmp_path.iterdir())
            fragment = reader.read(LogFile(path))[0]  # type: ignore[attr-defined]
            assert min(fragment.columns["train/loss"].step) == 1000
            assert sorted(item.name for item in tmp_path.iterdir()) == before

    def test_a_torn_database_is_refused(self, tmp_path: Path, origin: Path, reader: object) -> None:
        path = tmp_path / origin.name
        path.write_bytes(origin.read_bytes()[:6_000])
        with pytest.raises(ReadError):
            reader.read(LogFile(path))  # type: ignore[attr-defined]


class TestFileStore:
    def test_sources_name_the_file_of_their_metric(self) -> None:
        collected = collect([STORE / "first", STORE / "second"])
        assert len(collected.records) == 2
        series = collected.records[0].series["train/loss"]
        assert str(series.source(5)).endswith("first/metrics/loss:6")
        assert np.isnan(series.value[5])

    def test_a_metric_given_alone_is_read(self) -> None:
        (record,) = collect(STORE / "first/metrics/loss").records
        assert record.series["train/loss"].value[0] == pytest.approx(2.0)
        assert len(record.facts) == 0

    def test_a_run_that_failed_says_so(self) -> None:
        (record,) = collect(STORE / "second").records
        assert [(event.kind, event.source.line) for event in record.events] == [("exception", 12)]


class TestClearML:
    def test_zeros_stay_where_nothing_says_that_they_were_replaced(self, tmp_path: Path) -> None:
        shutil.copyfile(HERE / "clearml_metrics/offline/metrics.jsonl", tmp_path / "metrics.jsonl")
        file = LogFile(tmp_path / "metrics.jsonl")
        (fragment,) = clearml_metrics.read(file)
        assert list(fragment.columns["train/loss"].value).count(0.0) == 1
        assert not file.damage
