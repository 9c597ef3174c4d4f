"""Texts as hashed words and word n-grams, by whole arrays of bytes.

A word is a run of ASCII letters, digits, underscores and characters beyond ASCII; general punctuation beyond ASCII
separates words too, and each Chinese character or Japanese kana is a word of its own. Case is ignored. It does not know
languages, and what their words mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

BLOCK_CHARACTERS = 250_000
"""Text that is split at a time: its arrays stay in a processor's cache."""
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd multiplier of the polynomial hashes: 2^64 over the golden ratio."""
GAP, WORD = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """Hashed words or n-grams of several texts, one text after the other.

    Attributes:
        hashes: Hashes in order of the text, `[grams]`.
        offsets: Where each text begins, and at last the number of all, `[texts + 1]`.
    """

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of grams in each text, `[texts]`."""
        return np.diff(self.offsets)

    def of(self, text: int) -> NDArray[np.uint64]:
        """The grams of one text.

        Args:
            text: Its index.
        """
        return self.hashes[self.offsets[text] : self.offsets[text + 1]]

    def ngrams(self, length: int) -> Grams:
        """Runs of words; none crosses from one text into the next.

        Args:
            length: Words in a run.
        """
        if len(self.hashes) < length:
            return Grams(np.zeros(0, np.uint64), np.zeros(len(self.offsets), np.int64))
        whole = self.hashes[: len(self.hashes) - length + 1].copy()
        for at in range(1, length):
            whole *= FACTOR
            whole += self.hashes[at : len(whole) + at]
        inside = np.ones(len(whole), np.bool_)
        for back in range(1, length):
            crossing = self.offsets[1:] - back
            inside[crossing[(crossing >= 0) & (crossing < len(whole))]] = False
        counts = np.maximum(self.counts - (length - 1), 0)
        return Grams(_mixed(whole[inside]), np.concatenate([[0], np.cumsum(counts)]))

    def without(self, common: NDArray[np.uint64]) -> Grams:
        """The grams that are not in a list.

        Args:
            common: Hashes, ascending.
        """
        if not len(common):
            return self
        at = np.minimum(np.searchsorted(common, self.hashes), len(common) - 1)
        is_own = common[at] != self.hashes
        before = np.concatenate([[0], np.cumsum(is_own)])
        return Grams(self.hashes[is_own], before[self.offsets])


def split_words(texts: Sequence[str]) -> Grams:
    """Hashed words of the texts.

    Args:
        texts: Texts of any script.
    """
    blocks = [_split(block) for block in blocks_of(texts)]
    counts = [np.zeros(1, np.int64), *(block.counts for block in blocks)]
    hashes = [block.hashes for block in blocks] or [np.zeros(0, np.uint64)]
    return Grams(np.concatenate(hashes), np.cumsum(np.concatenate(counts)))


def blocks_of(texts: Sequence[str], characters: int = BLOCK_CHARACTERS) -> Iterator[Sequence[str]]:
    """The texts in order, some at a time.

    Args:
        texts: Texts.
        characters: Length at which a block ends; a longer text is a block of its own.
    """
    start, held = 0, 0
    for at, text in enumerate(texts):
        held += len(text)
        if held >= characters:
            yield texts[start : at + 1]
            start, held = at + 1, 0
    if start < len(texts):
        yield texts[start:]


@cache
def _classes() -> NDArray[np.uint8]:
    """What every byte is: part of a word or of a gap."""
    table = np.zeros(256, np.uint8)
    table[[byte for byte in range(128) if chr(byte).isalnum() or chr(byte) == "_"]] = WORD
    table[128:] = WORD
    return table


def _split(texts: Sequence[str]) -> Grams:
    encoded = [_folded(text) for text in texts]
    lengths = np.fromiter(map(len, encoded), np.int64, count=len(encoded)) + 1
    # zeros behind the last word: a window of eight bytes never leaves the buffer
    joined = b"\0".join(encoded) + bytes(9)
    raw = np.frombuffer(joined, np.uint8)
    classes = _classes()[raw]
    starts, stops = _borders(classes) if joined.isascii() else _wide_borders(raw, classes)
    ends = np.cumsum(lengths)
    offsets = np.concatenate([[0], np.searchsorted(starts, ends)])
    return Grams(_hashes(joined, starts, stops - starts), offsets)


def _folded(text: str) -> bytes:
    if text.isascii():
        return text.encode().lower()
    return text.lower().encode("utf-8", "surrogatepass")


def _borders(classes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First byte of each word, and the byte after its last one."""
    edges = np.flatnonzero(classes[1:] != classes[:-1]) + 1
    if classes[0]:
        edges = np.concatenate([[0], edges])
    return edges[0::2], edges[1::2]


def _wide_borders(raw: NDArray[np.uint8], classes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same where bytes beyond ASCII occur: UTF-8 is told apart by its first bytes."""
    second = np.concatenate([raw[1:], raw[:1]])
    # C2: Latin-1 signs; E2: general punctuation, arrows, boxes; E3 80: CJK punctuation; EF BC: full-width forms
    for width, found in ((2, raw == 0xC2), (3, raw == 0xE2), (3, (raw == 0xE3) & (second == 0x80))):
        at = np.flatnonzero(found)
        for step in range(width):
            classes[at + step] = GAP
    alone = np.flatnonzero((raw >= 0xE3) & (raw <= 0xE9) & (classes == WORD))
    is_word = classes == WORD
    is_start = is_word.copy()
    is_start[1:] &= ~is_word[:-1]
    is_start[alone] = True
    is_start[alone + 3] = is_word[alone + 3]
    is_stop = is_word[:-1] & (~is_word[1:] | is_start[1:])
    return np.flatnonzero(is_start), np.flatnonzero(is_stop) + 1


def _hashes(joined: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A hash of each word, eight bytes at a time: few words are longer, and only they take another turn."""
    eights = np.ndarray(len(joined) - 7, "<u8", joined, strides=(1,))
    hashes = eights[starts]
    hashes &= _masks()[np.minimum(lengths, 8)]
    longer = np.flatnonzero(lengths > 8)
    hashes = _mixed(hashes)
    at = 8
    while len(longer):
        more = eights[starts[longer] + at] & _masks()[np.minimum(lengths[longer] - at, 8)]
        hashes[longer] = _mixed(hashes[longer] * FACTOR + more)
        at += 8
        longer = longer[lengths[longer] > at]
    return hashes


@cache
def _masks() -> NDArray[np.uint64]:
    """Masks that keep the first 0-8 bytes of a little-endian word."""
    return np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Bits spread over the whole word (a multiply and xor-shift round, as in MurmurHash3, Appleby 2011)."""
    values = values * np.uint64(0xFF51AFD7ED558CCD)
    values ^= values >> np.uint64(32)
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    values ^= values >> np.uint64(29)
    return values
