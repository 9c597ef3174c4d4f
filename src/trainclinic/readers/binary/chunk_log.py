"""Logs in blocks of 32 KiB, as LevelDB frames them and W&B and SwanLab write them.

A file begins with seven bytes: four letters, two magic bytes, a version. A chunk has a CRC-32 of its kind and data,
a length of two bytes and a kind: whole, first, middle or last. It knows nothing of what records hold.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

BLOCK_BYTES = 32_768
FILE_HEADER_BYTES = 7
_HEADER = struct.Struct("<IHB")
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_MOST_BYTES = 64 * 1_048_576
_KIND_SUMS = [zlib.crc32(bytes([kind])) for kind in range(_LAST + 1)]


def chunk_records(file: LogFile) -> Iterator[bytes]:
    """The records of a file in order; after damage the next block is tried, and a cut last record is left out.

    Raises:
        ReadError: If the file cannot be read to its end.
    """
    joined = _Joined(file)
    try:
        with file.stream() as handle:
            block = handle.read(BLOCK_BYTES)
            begin = FILE_HEADER_BYTES
            while block:
                following = handle.read(BLOCK_BYTES)
                yield from joined.take(block, begin, is_last=not following)
                block, begin = following, 0
    except OSError as error:
        message = f"`{file.name}` cannot be read: {error.strerror or error}"
        raise ReadError(message) from error
    if joined.pieces:
        file.count_damage("truncated last record", joined.number + 1)


class _Joined:
    """Records joined from the chunks of one block after the other.

    Args:
        file: Where damage is counted.
    """

    def __init__(self, file: LogFile) -> None:
        self.file = file
        self.number = 0
        self.pieces: list[bytes] = []
        self.bytes = 0

    def take(self, block: bytes, at: int, *, is_last: bool) -> Iterator[bytes]:
        """The records that are whole with this block, read from `at` on."""
        stop = len(block) - _HEADER.size
        while at <= stop:
            checksum, length, kind = _HEADER.unpack_from(block, at)
            if kind == 0 and length == 0:
                return
            begin = at + _HEADER.size
            at = begin + length
            data = block[begin:at]
            if at > len(block) and is_last and kind <= _LAST:
                self.pieces = self.pieces or [data]
                return
            if at > len(block) or kind > _LAST or zlib.crc32(data, _KIND_SUMS[kind]) != checksum:
                self.pieces = []
                self.number += 1
                if at <= len(block) and _is_sound(block, at):
                    self.file.count_damage("damaged record", self.number)
                    continue
                self.file.count_damage("damaged record, skipped to the next block of 32 KiB", self.number)
                return
            if kind == _WHOLE:
                self.number += 1
                yield data
            else:
                yield from self._piece(data, kind)

    def _piece(self, data: bytes, kind: int) -> Iterator[bytes]:
        if kind == _FIRST:
            self.pieces, self.bytes = [data], len(data)
            return
        self.bytes += len(data)
        if not self.pieces or self.bytes > _MOST_BYTES:
            self.pieces = []
            return
        self.pieces.append(data)
        if kind == _LAST:
            self.number += 1
            yield b"".join(self.pieces)
            self.pieces = []


def _is_sound(block: bytes, at: int) -> bool:
    """Whether a chunk with the right checksum begins here."""
    if at + _HEADER.size > len(block):
        return False
    checksum, length, kind = _HEADER.unpack_from(block, at)
    data = block[at + _HEADER.size : at + _HEADER.size + length]
    return bool(_WHOLE <= kind <= _LAST and zlib.crc32(data, _KIND_SUMS[kind]) == checksum)
