"""A text file as blocks of whole lines, so that long logs are read fast and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from trainclinic.readers.file import MAX_LINE_BYTES

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

BLOCK_SIZE = 1 << 20


class Block(NamedTuple):
    r"""Whole lines of a file.

    Attributes:
        first_line: Number of the first line, from 1.
        text: The lines, separated by `\n`, without the line end of the last one.
        is_cut: Whether the last line has no line end although the file ends: it may be incomplete.
    """

    first_line: int
    text: str
    is_cut: bool = False


def text_blocks(file: LogFile) -> Iterator[Block]:
    r"""The file's text in blocks of about one MiB that end where a line ends.

    Lines longer than that are cut at their last carriage return (progress bars rewrite one line for hours); a line
    without any is cut and counted as damage. NUL bytes are dropped and counted.
    """
    line, rest, skipping = 1, "", False
    for piece in file.blocks(BLOCK_SIZE):
        text = rest + piece
        if skipping:
            _, found, text = piece.partition("\n")
            skipping, line = not found, line + bool(found)
        end = text.rfind("\n")
        if end >= 0:
            yield Block(line, _cleaned(text[:end], file, line))
            line += text.count("\n", 0, end) + 1
        rest = text[end + 1 :]
        if len(rest) > MAX_LINE_BYTES:
            end = rest.rfind("\r")
            yield Block(line, _cleaned(rest[:end] if end > 0 else rest[:MAX_LINE_BYTES], file, line))
            rest = rest[end:] if end > 0 else ""
            if end <= 0:
                file.count_damage("line longer than 1 MiB, its rest was skipped", line)
                skipping = True
    if rest:
        yield Block(line, _cleaned(rest, file, line), is_cut=True)


def _cleaned(text: str, file: LogFile, line: int) -> str:
    if "\0" in text:
        file.count_damage("NUL bytes were dropped", line, count=text.count("\0"))
        text = text.replace("\0", "")
    return text.replace("\r\n", "\n").removesuffix("\r") if "\r" in text else text
