"""The fields of a protobuf message without its schema: numbers, kinds and places (protobuf.dev, "Encoding").

It knows no message; groups, which no tracker writes, are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Its number in the schema.
        kind: `VARINT`, `FIXED64`, `BYTES` or `FIXED32`.
        start: Where its content begins (of `BYTES`, behind the length).
        end: Where it ends.
    """

    number: int
    kind: int
    start: int
    end: int


class NotProtobuf(ValueError):
    """Bytes that are no message."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends.

    Raises:
        NotProtobuf: If it is longer than ten bytes or runs over the end.
    """
    value = shift = 0
    for place in range(at, min(at + _LONGEST_VARINT, len(data))):
        byte = data[place]
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, place + 1
        shift += 7
    message = f"no number at byte {at}"
    raise NotProtobuf(message)


def signed(value: int) -> int:
    """A varint's 64 bits as a signed number."""
    return value - (1 << 64) if value >> 63 else value


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """The fields of the message in `data[start:end]`, in order.

    Raises:
        NotProtobuf: If the bytes are no message.
    """
    at, stop = start, len(data) if end is None else end
    while at < stop:
        key, at = varint(data, at)
        kind, begin = key & 7, at
        if kind == VARINT:
            _, at = varint(data, at)
        elif kind == BYTES:
            size, begin = varint(data, at)
            at = begin + size
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            message = f"no field at byte {begin}"
            raise NotProtobuf(message)
        if at > stop:
            message = f"a field runs over the end of its message at byte {begin}"
            raise NotProtobuf(message)
        yield Field(key >> 3, kind, begin, at)


def text(data: bytes, field: Field) -> str:
    """The content of a `BYTES` field as text; undecodable bytes become U+FFFD."""
    return data[field.start : field.end].decode("utf-8", "replace")


def double(data: bytes, field: Field) -> float:
    """The content of a `FIXED64` field as a floating-point number."""
    return float(struct.unpack_from("<d", data, field.start)[0])
