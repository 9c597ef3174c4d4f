"""SwanLab run files (`run-*.swanlab`): scalars by step.

The frames are those of W&B under another header. It was written for SwanLab 0.10; settings stand in
`files/config.yaml`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.readers.binary.chunk_log import chunk_records
from trainclinic.readers.binary.wire import BYTES, FIXED64, VARINT, NotProtobuf, double, fields, signed, text, varint
from trainclinic.readers.reader import Reader
from trainclinic.readers.tables.tracked import tracked_fragment
from trainclinic.readers.tables.tracked_rows import TrackedRows
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_MAGIC = b":SWL\xd6\xe1"
_DATA = 13
_KEY, _STEP, _KIND, _TIME, _SCALAR = 1, 2, 3, 4, 5
_SECONDS, _NANOSECONDS = 1, 2


def sniff(file: LogFile) -> float:
    """Certain by the first six bytes, likely by the ending `.swanlab`."""
    return 1.0 if file.head.startswith(_MAGIC) else 0.9 if file.path.suffix == ".swanlab" else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every scalar.

    Raises:
        ReadError: If the file is no SwanLab run or holds no scalar.
    """
    if not file.head.startswith(_MAGIC):
        message = "the file does not begin like a SwanLab run"
        raise ReadError(message, hint="is the file complete, and copied as binary?")
    rows = TrackedRows()
    for number, record in enumerate(chunk_records(file), start=1):
        if not _take(record, rows, number):
            file.count_damage("record that cannot be read", number)
    fragment = tracked_fragment(file, READER.name, rows.metrics())
    if fragment.is_empty:
        message = f"`{file.name}` holds no scalar"
        raise ReadError(message, hint="the run may have stopped before it logged anything")
    return [fragment]


def _take(record: bytes, rows: TrackedRows, number: int) -> bool:
    """Add the scalars of one record, and say whether it could be read."""
    try:
        for part in fields(record):
            if part.number == _DATA and part.kind == BYTES:
                _take_scalar(record, part.start, part.end, rows, number)
    except NotProtobuf:
        return False
    return True


def _take_scalar(record: bytes, start: int, end: int, rows: TrackedRows, number: int) -> None:
    """One scalar; protobuf leaves out a step of 0 and a value of 0.0."""
    key, step, stamp = "", 0, 0.0
    value: float | None = None
    for part in fields(record, start, end):
        if part.number == _KEY and part.kind == BYTES:
            key = text(record, part)
        elif part.number == _STEP and part.kind == VARINT:
            step = signed(varint(record, part.start)[0])
        elif part.number == _TIME and part.kind == BYTES:
            stamp = _seconds(record, part.start, part.end)
        elif part.number == _SCALAR and part.kind == BYTES:
            numbers = [double(record, one) for one in fields(record, part.start, part.end) if one.kind == FIXED64]
            value = numbers[0] if numbers else 0.0
    if key and value is not None:
        rows.add(key, step, value, stamp or None, number)


def _seconds(record: bytes, start: int, end: int) -> float:
    parts = {part.number: varint(record, part.start)[0] for part in fields(record, start, end) if part.kind == VARINT}
    return parts.get(_SECONDS, 0) + parts.get(_NANOSECONDS, 0) / 1e9


READER = Reader(
    name="swanlab_run",
    title="SwanLab runs (`run-*.swanlab`)",
    recognised_by="the first six bytes `:SWL`",
    delivers="every scalar by step with wall clock and record number",
    limits="settings are read from `files/config.yaml`; media are left out; written for SwanLab 0.10",
    sniff=sniff,
    read=read,
)
