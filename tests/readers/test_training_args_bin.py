"""A pickle is read as a list of instructions: its plain values are recovered, and nothing in it ever runs."""

from __future__ import annotations

import contextlib
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.readers.file import LogFile
from trainclinic.readers.formats import training_args_bin
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import pick_reader
from trainclinic.readers.settings.pickle_values import Opaque, PickleNotUnderstood, plain_value


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def state(**values: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in values.items()) + b"u"


ENUM = b"ctransformers.training_args\nOptimizerNames\n" + text("adamw_torch") + b"\x85R"
ARGUMENTS = (
    b"\x80\x02ctransformers.training_args\nTrainingArguments\n)\x81"
    + state(
        learning_rate=b"G" + struct.pack(">d", 2e-4),
        per_device_train_batch_size=b"K\x02",
        fp16=b"\x89",
        bf16=b"\x88",
        optim=ENUM,
        max_steps=b"J\xff\xff\xff\xff",
        report_to=b"](" + text("wandb") + b"e",
        _n_gpu=b"K\x08",
        hub_token=text("hf_abcdefghijklmnopqrstuvwxyz012345"),
        lr_scheduler_kwargs=b"}",
    )
    + b"b."
)


def read_zip(data: bytes, folder: Path) -> tuple[Fragment, LogFile]:
    path = folder / "training_args.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("training_args/data.pkl", data)
        archive.writestr("training_args/version", "3")
    file = LogFile(path)
    reader = pick_reader(file)
    assert reader is not None
    assert reader.name == "training_args_bin"
    (fragment,) = reader.read(file)
    return fragment, file


def test_plain_settings_and_enums_are_recovered(tmp_path: Path) -> None:
    fragment, file = read_zip(ARGUMENTS, tmp_path)
    facts = {fact.name: (fact.value, fact.how) for fact in fragment.facts}
    assert facts["learning_rate"] == (2e-4, "config")
    assert facts["micro_batch_size"] == (2.0, "config")
    assert facts["fp16"] == (False, "config")
    assert facts["bf16"] == (True, "config")
    assert facts["optimizer"] == ("adamw_torch", "config")
    assert "planned_steps" not in facts
    assert {fact.name: fact.value for fact in fragment.other_facts} == {"max_steps": -1.0, "report_to": "wandb"}
    assert file.damage == ()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_gives_the_same_values(protocol: int) -> None:
    value = {"lr": 1e-4, "steps": 70_000, "big": 2**70, "flag": True, "no": None, "names": ["a", "b"], "pair": (1, 2.5)}
    assert plain_value(pickle.dumps(value, protocol)) == value


def test_a_legacy_file_has_its_settings_in_the_fourth_pickle(tmp_path: Path) -> None:
    path = tmp_path / "training_args.bin"
    headers = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    path.write_bytes(b"".join(headers) + ARGUMENTS + pickle.dumps([], 2))
    (fragment,) = training_args_bin.read(LogFile(path))
    assert ("learning_rate", 2e-4) in [(fact.name, fact.value) for fact in fragment.facts]


class Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_is_not_executed(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "pwned"
    data = pickle.dumps({"learning_rate": 1e-4, "bomb": Bomb(target)}, protocol)
    assert b"system" in data
    fragment, _ = read_zip(data, tmp_path)
    assert not target.exists()
    assert [(fact.name, fact.value) for fact in fragment.facts] == [("learning_rate", 1e-4)]
    pickle.loads(data)
    assert target.exists(), "the pickle is harmless: the test proves nothing"


def test_no_module_that_a_pickle_names_is_imported() -> None:
    sys.modules.pop("antigravity", None)
    value = plain_value(b"cantigravity\nfly\n)R.")
    assert isinstance(value, Opaque)
    assert value.name == "antigravity.fly"
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("data", [b"", b"no pickle", ARGUMENTS[:40], b"\x80\x02e.", b"\x80\x02)R.", b"(" * 300_000])
def test_a_stream_that_makes_no_sense_is_counted(tmp_path: Path, data: bytes) -> None:
    fragment, file = read_zip(data, tmp_path)
    assert fragment.is_empty
    assert [damage.count for damage in file.damage] == [1]
    assert "nothing was executed" in file.damage[0].says


def test_a_name_with_an_odd_escape_gives_no_warning() -> None:
    value = plain_value(b"cmod\\:ule\nname\n)R.")
    assert isinstance(value, Opaque)


def test_a_zip_without_a_pickle_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "training_args.bin"
    path.write_bytes(b"PK\x03\x04 and no more")
    file = LogFile(path)
    (fragment,) = training_args_bin.read(file)
    assert fragment.is_empty
    assert file.damage[0].count == 1


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_the_one_error(data: bytes) -> None:
    with contextlib.suppress(PickleNotUnderstood):
        assert plain_value(data + b".") is not NotImplemented
