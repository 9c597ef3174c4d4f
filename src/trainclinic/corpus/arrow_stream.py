"""Cut an Arrow IPC stream into pieces that each hold one batch of rows, so that a stream of any size can be read.

It knows the frame around a message (Arrow columnar format, "Encapsulated message format"): a mark, the length of the
metadata, the metadata as a flatbuffer, and the body whose length the metadata say. It does not know columns or types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

MARK = b"\xff\xff\xff\xff"
_SCHEMA, _DICTIONARY, _ROWS = 1, 2, 3
_KIND_FIELD, _BODY_LENGTH_FIELD = 1, 3
_MOST_METADATA = 64 << 20
_END = MARK + b"\0\0\0\0"


def batches(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Streams of one batch each, with the schema and the dictionaries that the batch needs.

    Args:
        pieces: The bytes of a stream, cut anywhere.

    Raises:
        ValueError: If the bytes are no such stream, or end inside of a message.
    """
    source = _Bytes(pieces)
    before: list[bytes] = []
    while message := _message(source):
        kind, frame = message
        if kind == _ROWS:
            yield b"".join((*before, frame, _END))
        elif kind == _SCHEMA:
            before = [frame]
        elif kind == _DICTIONARY:
            before.append(frame)


def _message(source: _Bytes) -> tuple[int, bytes] | None:
    """The next message and its kind; `None` at the end of the stream."""
    if not source.peek(1) or source.peek(8) == _END:
        return None
    start = source.take(8)
    mark, length = start[:4], struct.unpack("<i", start[4:])[0]
    if mark != MARK or not 0 < length <= _MOST_METADATA:
        message = "no message begins where one was expected"
        raise ValueError(message)
    metadata = source.take(length)
    kind, body_length = _fields(metadata)
    return kind, b"".join((start, metadata, source.take(body_length)))


def _fields(metadata: bytes) -> tuple[int, int]:
    """Kind and body length of a message; flatbuffers keep them in a table whose entries are found by a second table."""
    try:
        (table,) = struct.unpack_from("<I", metadata, 0)
        (back,) = struct.unpack_from("<i", metadata, table)
        entries = table - back
        (size,) = struct.unpack_from("<H", metadata, entries)

        def at(field: int) -> int:
            place = 4 + 2 * field
            return int(struct.unpack_from("<H", metadata, entries + place)[0]) if place + 2 <= size else 0

        kind = metadata[table + at(_KIND_FIELD)] if at(_KIND_FIELD) else 0
        length = struct.unpack_from("<q", metadata, table + at(_BODY_LENGTH_FIELD))[0] if at(_BODY_LENGTH_FIELD) else 0
    except (struct.error, IndexError) as error:
        message = "the metadata of a message are broken"
        raise ValueError(message) from error
    if length < 0:
        message = "a message claims a negative length"
        raise ValueError(message)
    return kind, length


class _Bytes:
    """Bytes that come in pieces, taken in the lengths that are needed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = bytearray()

    def peek(self, length: int) -> bytes:
        """The next bytes, fewer at the end."""
        while len(self._held) < length and (piece := next(self._pieces, b"")):
            self._held += piece
        return bytes(self._held[:length])

    def take(self, length: int) -> bytes:
        """The next bytes.

        Raises:
            ValueError: If there are fewer.
        """
        taken = self.peek(length)
        if len(taken) < length:
            message = "the stream ends inside of a message"
            raise ValueError(message)
        del self._held[:length]
        return taken
