"""How byte-level vocabularies write bytes as characters.

The published GPT-2 encoder keeps the printable characters of Latin-1 as they are and moves the other 68 bytes, in
order, to the code points from 256 on. It does not know vocabularies.
"""

from __future__ import annotations

from functools import cache


@cache
def byte_to_character() -> tuple[str, ...]:
    """The character that stands for each byte, by value of the byte."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    moved = iter(range(256, 512))
    return tuple(chr(byte) if byte in printable else chr(next(moved)) for byte in range(256))


@cache
def character_to_byte() -> dict[str, int]:
    """The byte that each character stands for."""
    return {character: byte for byte, character in enumerate(byte_to_character())}


def bytes_of(token: str) -> bytes | None:
    """The bytes of a token of a byte-level vocabulary, `None` when it holds a character that stands for no byte."""
    table = character_to_byte()
    try:
        return bytes([table[character] for character in token])
    except KeyError:
        return None
