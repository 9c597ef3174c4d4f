"""TensorFlow's record files, block by block: where each record lies, and where the chain of lengths is broken.

A record is an 8-byte length, the masked CRC-32C of that length, the bytes, and their masked CRC-32C. It knows nothing
of what records hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.binary.checksums import masked_checksums
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.file import LogFile

    Integers = NDArray[np.int64]

BLOCK_BYTES = 4 * 1_048_576
HEADER_BYTES = 12
FRAME_BYTES = 16
_PADDING = bytes(16)
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records that lie side by side in memory.

    Attributes:
        data: The bytes, with 16 zero bytes behind the last record.
        start: Where the content of each record begins, `[records]`.
        length: Its bytes, `[records]`.
        first: Number of the first record in the file, from 1.
    """

    data: bytes
    start: Integers
    length: Integers
    first: int


def looks_like_records(head: bytes) -> bool:
    """Whether a file begins with a length and its checksum."""
    return len(head) >= HEADER_BYTES and bool(_sound(np.frombuffer(head, np.uint8), np.zeros(1, np.int64))[0])


def record_blocks(file: LogFile) -> Iterator[Block]:
    """The records of a file; a broken length is searched past, and a cut last record is left out, both counted.

    Raises:
        ReadError: If the file cannot be read to its end.
    """
    chain = _Chain(file)
    try:
        with file.stream() as handle:
            ended = False
            while not ended:
                want = max(BLOCK_BYTES, min(chain.missing(), file.size + 1))
                piece = handle.read(want)
                ended = len(piece) < want
                yield from chain.take(piece)
    except OSError as error:
        message = f"`{file.name}` cannot be read: {error.strerror or error}"
        raise ReadError(message) from error
    if chain.rest and not chain.is_searching:
        file.count_damage("truncated last record", chain.number)


class _Chain:
    """Follows the lengths from block to block.

    Args:
        file: Where damage is counted.
    """

    def __init__(self, file: LogFile) -> None:
        self.file = file
        self.number = 1
        self.rest = b""
        self.is_searching = False

    def missing(self) -> int:
        """Bytes that the record at the start of the rest still needs."""
        is_known = len(self.rest) >= HEADER_BYTES and not self.is_searching
        return _LENGTH.unpack_from(self.rest)[0] + FRAME_BYTES - len(self.rest) if is_known else 0

    def take(self, piece: bytes) -> Iterator[Block]:
        """The records that are whole with these further bytes: one block, or one between each two breaks."""
        data = self.rest + piece
        while True:
            if self.is_searching:
                found = _next_sound(np.frombuffer(data, np.uint8))
                if found < 0:
                    self.rest = data[-HEADER_BYTES + 1 :]
                    return
                data, self.is_searching = data[found:], False
            begins, end = _follow(data)
            heads = np.append(begins, end) if len(data) - end >= HEADER_BYTES else begins
            sound = _sound(np.frombuffer(data, np.uint8), heads)
            is_broken = not sound.all()
            stop = int(heads[np.argmin(sound)]) if is_broken else end
            kept = begins[begins < stop]
            length = np.diff(np.append(kept, stop)) - FRAME_BYTES
            if kept.size:
                yield Block(data + _PADDING, kept + HEADER_BYTES, length, self.number)
            self.number += kept.size
            if not is_broken:
                self.rest = data[end:]
                return
            self.file.count_damage("record with a damaged length, skipped to the next sound one", self.number)
            data, self.is_searching = data[stop + 1 :], True


def _follow(data: bytes) -> tuple[Integers, int]:
    """Where records begin, following their lengths, and where the last whole one ends."""
    begins, at, stop, unpack = [], 0, len(data), _LENGTH.unpack_from
    while at + FRAME_BYTES <= stop:
        after = at + FRAME_BYTES + unpack(data, at)[0]
        if after > stop:
            break
        begins.append(at)
        at = after
    return np.array(begins, np.int64), at


def _sound(raw: NDArray[np.uint8], at: Integers) -> NDArray[np.bool_]:
    """Whether the lengths at these places have their checksums, `[places]`."""
    if not at.size:
        return np.zeros(0, dtype=bool)
    heads = np.ndarray((raw.size - HEADER_BYTES + 1,), f"V{HEADER_BYTES}", raw, strides=(1,))[at]
    rows = heads.view(np.uint8).reshape(-1, HEADER_BYTES)
    length = np.ascontiguousarray(rows[:, :8])
    stored = np.ascontiguousarray(rows[:, 8:]).view("<u4")[:, 0]
    unique, places = np.unique(length.view("<u8")[:, 0], return_inverse=True)
    expected = masked_checksums(unique.astype("<u8").view(np.uint8).reshape(-1, 8))
    return np.asarray(expected[places] == stored)


def _next_sound(raw: NDArray[np.uint8]) -> int:
    """The first place with a sound length of less than 4 GiB, or -1."""
    last = raw.size - HEADER_BYTES + 1
    if last < 1:
        return -1
    zero = raw == 0
    candidates = np.flatnonzero(zero[4 : 4 + last] & zero[5 : 5 + last] & zero[6 : 6 + last] & zero[7 : 7 + last])
    good = candidates[_sound(raw, candidates)]
    return int(good[0]) if good.size else -1
