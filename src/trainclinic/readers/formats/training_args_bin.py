"""`training_args.bin`: a pickle, read as a list of instructions of which none is executed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.names import Setting
from trainclinic.readers.settings.pickle_values import (
    MAX_PICKLE_BYTES,
    Opaque,
    PickleNotUnderstood,
    instructions,
    plain_value,
)
from trainclinic.readers.settings.settings_fragment import settings_fragment

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

_NAMES = re.compile(r"training_args.*\.(bin|pt|pkl)", re.I)
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
"""The first pickle of a file in torch's legacy format is this number."""
_LEGACY_HEADERS = 3
# State of a `TrainingArguments` that is no setting of the run.
_NO_SETTINGS = re.compile(r"^(_|deepspeed_plugin|accelerator_config|distributed_state|push_to_hub|hub_)")


def sniff(file: LogFile) -> float:
    """By the file's name, and the first bytes of a torch zip or of a pickle."""
    if not _NAMES.fullmatch(file.path.name):
        return 0.0
    return 0.97 if file.head.startswith((b"PK\x03\x04", b"\x80")) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read the plain settings; a stream that is not understood is counted as damage and gives an empty fragment."""
    try:
        value = _value(file)
    except (PickleNotUnderstood, zipfile.BadZipFile, OSError, KeyError, EOFError, NotImplementedError) as error:
        file.count_damage(f"the pickle was not understood and nothing was executed ({str(error)[:60]})")
        return [Fragment(file=file.name, reader="training_args_bin")]
    state = value.state if isinstance(value, Opaque) else value
    if not isinstance(state, dict) or not state:
        file.count_damage("the pickle holds no dictionary of settings; nothing was executed")
        state = {}
    settings = list(_settings(state))
    if isinstance(value, Opaque) and value.name.rpartition(".")[2] not in {"TrainingArguments", "?"}:
        settings.append(Setting("trainer_class", value.name.rpartition(".")[2]))
    return [settings_fragment(file, "training_args_bin", settings)]


def _value(file: LogFile) -> Any:
    """The described value of the pickle inside a torch zip, or of a legacy torch file, or of a bare pickle."""
    if file.head.startswith(b"PK"):
        with zipfile.ZipFile(file.path) as archive:
            member = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
            if member is None or archive.getinfo(member).file_size > MAX_PICKLE_BYTES:
                message = "no small data.pkl in the archive"
                raise PickleNotUnderstood(message)
            return plain_value(archive.read(member))
    with file.path.open("rb") as handle:
        data = handle.read(MAX_PICKLE_BYTES + 1)
    value = plain_value(data)
    if value != _TORCH_MAGIC:
        return value
    for _ in range(_LEGACY_HEADERS):
        data = data[_end_of_first(data) :]
    return plain_value(data)


def _end_of_first(data: bytes) -> int:
    """Where the first pickle of several ends."""
    return instructions(data)[-1][2] + 1


def _settings(state: dict[Any, Any]) -> Iterator[Setting]:
    for key, value in state.items():
        shown = value.plain() if isinstance(value, Opaque) else value
        plain = isinstance(shown, (str, int, float, bool)) or (
            isinstance(shown, list) and all(isinstance(item, (str, int, float)) for item in shown)
        )
        if plain and isinstance(key, str) and not _NO_SETTINGS.match(key):
            yield Setting(key, shown)


READER = Reader(
    name="training_args_bin",
    title="training_args.bin",
    recognised_by="the file's name, and the first bytes of a torch zip or of a pickle",
    delivers="numbers, text, flags and enum values of the training arguments",
    limits="nothing is unpickled or executed; objects inside are left out",
    sniff=sniff,
    read=read,
)
