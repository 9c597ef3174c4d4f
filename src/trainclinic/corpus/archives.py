"""Unpack `.gz` and `.zst` files piece by piece, keeping what can be read of a damaged one.

It knows bytes, and nothing of what they mean.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO

from trainclinic.record.errors import ReadError

BLOCK_BYTES = 1 << 20
_ZST_BLOCK_BYTES = 1 << 12
"""Small, because one call unpacks all of its input, and a few bytes may stand for many megabytes."""
MAGIC = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst"}
"""First bytes of an archive, and the name of its compression."""


class ArchiveDamage(Exception):
    """An archive that ends early or is broken; what came before it was read."""


def compression_of(head: bytes) -> str:
    """`gz`, `zst` or empty.

    Args:
        head: The first bytes of a file.
    """
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


def unpacked(handle: IO[bytes], compression: str, name: str) -> Iterator[bytes]:
    """The bytes of a file, unpacked, in pieces.

    Args:
        handle: The file, opened for reading.
        compression: `gz`, `zst` or empty.
        name: How the user would name the file, for errors.

    Raises:
        ArchiveDamage: If an archive is broken or ends early, after everything before that was given.
        ReadError: If `zstandard` is needed and not installed.
    """
    if compression == "gz":
        return _unzipped(handle)
    if compression == "zst":
        return _from_zst(handle, name)
    return iter(lambda: handle.read(BLOCK_BYTES), b"")


def _unzipped(handle: IO[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    is_complete = False
    while data := handle.read(BLOCK_BYTES):
        while data:
            if unpacker.eof:  # archives may be joined, and padded with zero bytes
                data = data.lstrip(b"\0")
                if not data:
                    break
                unpacker = zlib.decompressobj(wbits=31)
            try:
                piece = unpacker.decompress(data, BLOCK_BYTES)
            except zlib.error as error:
                raise ArchiveDamage(str(error).lower()) from error
            data = unpacker.unconsumed_tail or unpacker.unused_data
            if piece:
                yield piece
        is_complete = unpacker.eof
    if not is_complete:
        message = "it ends before its end mark"
        raise ArchiveDamage(message)


def _from_zst(handle: IO[bytes], name: str) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError as error:
        message = f"`{name}` needs `zstandard`, which is not installed"
        raise ReadError(message, hint="install it with `pip install 'trainclinic[data]'`") from error
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    while data := handle.read(_ZST_BLOCK_BYTES):
        while data:
            if unpacker.eof:
                unpacker = zstandard.ZstdDecompressor().decompressobj()
            try:
                piece = unpacker.decompress(data)
            except zstandard.ZstdError as error:
                raise ArchiveDamage(str(error).lower()) from error
            data = unpacker.unused_data if unpacker.eof else b""
            if piece:
                yield piece
    if not unpacker.eof:
        message = "it ends before its end mark"
        raise ArchiveDamage(message)
