"""CRC-32C of many byte rows at once: a checksum is linear, so each byte adds what its place and value say.

It knows no file format. The polynomial is Castagnoli's, reflected (0x82F63B78, RFC 3720 appendix B.4); the mask is the
one of TensorFlow's record files (`tensorflow/core/lib/hash/crc32c.h`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Words = NDArray[np.uint32]

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
MAX_CHECKED_BYTES = 4096
"""Longer rows have no checksum here: the table of places would outgrow the processor's cache."""


@lru_cache(maxsize=1)
def _byte_table() -> Words:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


@lru_cache(maxsize=32)
def _place_tables(length: int) -> tuple[Words, int]:
    """What byte b at place j of a row adds, `[length, 256]`, and what a row of zeros has."""
    table = _byte_table()
    places = np.empty((length, 256), np.uint32)
    added, zeros = table, 0xFFFFFFFF
    for place in range(length - 1, -1, -1):
        places[place] = added
        added = table[added & 255] ^ (added >> 8)
        zeros = int(table[zeros & 255]) ^ (zeros >> 8)
    return places, zeros ^ 0xFFFFFFFF


def masked_checksums(rows: Bytes, varying: NDArray[np.int64] | None = None) -> Words:
    """The masked CRC-32C of each row, `[rows]`.

    Args:
        rows: Bytes, `[rows, length]`, length up to `MAX_CHECKED_BYTES`.
        varying: Places at which rows differ; all of them when omitted. Elsewhere the first row speaks for all.
    """
    count, length = rows.shape
    places, zeros = _place_tables(length)
    chosen = np.arange(length) if varying is None else varying
    others = np.ones(length, dtype=bool)
    others[chosen] = False
    start = np.uint32(zeros)
    if count and others.any():
        start ^= np.bitwise_xor.reduce(places[np.flatnonzero(others), rows[0, others]])
    sums = np.full(count, start, np.uint32)
    for place in chosen.tolist():
        sums ^= places[place][rows[:, place]]
    return ((sums >> np.uint32(15)) | (sums << np.uint32(17))) + np.uint32(_MASK_DELTA)
