"""Compressed files and standard input: read like the files in them, bounded, and without trust in names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainclinic.readers.collect import collect
from trainclinic.readers.folders import unpacking
from trainclinic.record.errors import ReadError

LOG = "".join(f"step {step}: train loss {3 - step / 10:.2f}\n" for step in range(1, 11)).encode()
STATE = b'{"log_history": [{"step": 5, "loss": 2.5}, {"step": 10, "loss": NaN}], "global_step": 10}'


def losses(path: Path) -> list[float]:
    (record,) = collect(path).records
    return record.series["train/loss"].value.tolist()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_log_is_read_through_every_compression(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    packers = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
        ".zst": zstandard.ZstdCompressor().compress,
    }
    for suffix, pack in packers.items():
        path = tmp_path / f"train.log{suffix}"
        path.write_bytes(pack(LOG))
        (record,) = collect(path).records
        series = record.series["train/loss"]
        assert (len(series), float(series.value[-1])) == (10, 2.0), suffix
        assert str(series.source(9)) == f"train.log{suffix}:10"
        assert record.name == f"train.log{suffix}"


def test_a_compressed_log_in_a_run_folder_is_read_and_packed_data_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train.log.gz").write_bytes(gzip.compress(LOG))
    (tmp_path / "weights.gz").write_bytes(gzip.compress(b"\0" * 100))
    zipped(tmp_path / "old.zip", {"other.log": LOG})
    (record,) = collect(tmp_path).records
    assert record.files == ("train.log.gz",)
    assert not record.damage


def test_the_zip_of_a_run_folder_is_one_run(tmp_path: Path) -> None:
    members = {
        "run/trainer_state.json": STATE,
        "run/config.json": b'{"model_type": "llama", "vocab_size": 64, "hidden_size": 32}',
        "run/model.safetensors": b"0" * 1000,
        "run/train.log": b"step 5: train loss 2.5\nstep 10: train loss nan\n",
    }
    (record,) = collect(zipped(tmp_path / "run.zip", members)).records
    assert record.name == "run.zip/run"
    assert [str(value) for value in record.series["train/loss"].value] == ["2.5", "nan"]
    assert record.facts.text("model_type") == "llama"
    assert set(record.files) == {f"run.zip/{name}" for name in members if "safetensors" not in name}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_tar_archive_is_read_and_its_links_are_not_followed(tmp_path: Path, mode: str) -> None:
    path = tmp_path / f"run.tar{mode[1:].replace(':', '.')}"
    with tarfile.open(path, mode) as archive:
        link = tarfile.TarInfo("run/secret.log")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        member = tarfile.TarInfo("run/train.log")
        member.size = len(LOG)
        archive.addfile(member, io.BytesIO(LOG))
    (record,) = collect(path).records
    assert record.files == (f"{path.name}/run/train.log",)
    assert len(record.series["train/loss"]) == 10


def test_members_that_lead_out_of_their_archive_are_refused_and_nothing_is_written_there(tmp_path: Path) -> None:
    members = {"../escaped.log": LOG, "/absolute.log": LOG, "..\\windows.log": LOG, "run/train.log": LOG}
    (record,) = collect(zipped(tmp_path / "run.zip", members)).records
    (damage,) = record.damage
    assert (damage.says, damage.count) == ("member whose path leads out of the archive was refused", 3)
    assert record.files == ("run.zip/run/train.log",)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["run.zip"]


def test_what_unpacks_to_more_than_the_bound_is_cut_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking.Unpacked.__init__, "__defaults__", (2_000,))
    path = zipped(tmp_path / "bomb.zip", {"a.log": LOG, "b.log": b"\n" * 5_000_000, "c.log": LOG})
    collected = collect(path)
    says = "unpacks to more than 2,000 bytes, the rest was not read"
    assert [(damage.says, damage.count) for damage in collected.damage if "bytes" in damage.says] == [(says, 2)]
    assert collected.unpacked is not None
    folder = collected.unpacked._folder
    assert folder is not None
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) == 2_000
    assert len(collected.records[0].series["train/loss"]) == 10


def test_the_temporary_folder_goes_with_what_was_collected(tmp_path: Path) -> None:
    collected = collect(zipped(tmp_path / "run.zip", {"train.log": LOG}))
    assert collected.unpacked is not None
    folder = collected.unpacked._folder
    assert folder is not None
    assert folder.exists()
    del collected
    assert not folder.exists()


def test_a_torn_archive_is_read_up_to_the_tear(tmp_path: Path) -> None:
    lines = b"".join(b"step %d: train loss %.4f\n" % (step, 1 / step) for step in range(1, 4_000))
    path = tmp_path / "train.log.gz"
    path.write_bytes(gzip.compress(lines)[:-3_000])
    (record,) = collect(path).records
    assert 1_000 < len(record.series["train/loss"]) < 4_000
    assert [damage.says.partition(":")[0] for damage in record.damage] == [
        "truncated last line",
        "torn in the middle, read up to there",
    ]


def test_a_broken_zip_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "run.zip"
    path.write_bytes(b"PK\x03\x04" + b"\0" * 50)
    with pytest.raises(ReadError, match=r"`run.zip`.*no training log"):
        collect(path)


def test_without_zstandard_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "train.log.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"\0" * 20)
    with pytest.raises(ReadError, match="needs `zstandard`, which is not installed") as caught:
        collect(path)
    assert "pip install zstandard" in caught.value.hint


@pytest.mark.parametrize(
    ("pasted", "wanted"),
    [
        (b"{'loss': 2.5, 'epoch': 0.1}\n{'loss': nan, 'epoch': 0.2}\n", ["2.5", "nan"]),
        (b"step 10: loss 2.5\nstep 20: loss 2.25", ["2.5", "2.25"]),
        (STATE, ["2.5", "nan"]),
        (b"step,loss\n1,2.5\n2,2.25\n", ["2.5", "2.25"]),
        (b'{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.25}\n', ["2.5", "2.25"]),
        (gzip.compress(LOG[:48]), ["2.9", "2.8"]),
    ],
)
def test_standard_input_is_read_whatever_it_holds(
    pasted: bytes, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(pasted)))
    (record,) = collect("-").records
    assert [str(value) for value in record.series["train/loss"].value] == wanted
    assert record.name == "stdin"
    assert record.series["train/loss"].source(0).path == "stdin"


def test_empty_standard_input_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(ReadError, match="standard input is empty"):
        collect(["-"])
