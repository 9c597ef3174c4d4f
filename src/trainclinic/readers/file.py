"""One input file, opened once: its name as the user knows it, its first bytes, its lines and its damage."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source

HEAD_BYTES = 65_536
MAX_LINE_BYTES = 1_048_576
"""Longer lines are cut: no row of a training log is that long, and one file may be a single line of a gigabyte."""
MAX_TEXT_BYTES = 512 * 1_048_576
"""`text` takes no larger file: a reader that needs more goes through `lines` or `blocks`, which need no memory."""
_CONTROL_BYTES = bytes([*range(9), *range(14, 27), *range(28, 32)])
BLOCK_BYTES = 4 * 1_048_576

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class LogFile:
    """A file to be read. Readers get this instead of a path, so that size, encoding and damage are handled once.

    Args:
        path: The file.
        name: How the user would name it (used in every `Source`); the file name when omitted.

    Raises:
        ReadError: If the file cannot be opened.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name if name is not None else path.name
        self._damage: dict[str, Damage] = {}
        try:
            self.size = path.stat().st_size
            with path.open("rb") as handle:
                self.head = handle.read(HEAD_BYTES)
        except OSError as error:
            message = f"`{self.name}` cannot be read: {error.strerror or error}"
            raise ReadError(message, hint="check that the file exists and that you may read it") from error

    def _open(self) -> BinaryIO:
        return self.path.open("rb")

    def stream(self) -> BinaryIO:
        """The file's bytes from the start, for readers of binary formats; the caller closes it."""
        return self._open()

    def source(self, line: int | None = None, key: str = "") -> Source:
        """A place in this file."""
        return Source(self.name, line, key)

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read so far, counted by kind."""
        return tuple(self._damage.values())

    def count_damage(self, says: str, line: int | None = None, *, count: int = 1) -> None:
        """Remember that something could not be read; the first place of each kind is kept."""
        known = self._damage.get(says)
        total = count + (known.count if known else 0)
        self._damage[says] = Damage(says, known.source if known else self.source(line), total)

    @cached_property
    def encoding(self) -> str:
        """Encoding by byte-order mark or by zero bytes, else UTF-8 when the head decodes as such, else Windows-1252."""
        for bom, encoding in _BOMS:
            if self.head.startswith(bom):
                return encoding
        for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            high_bytes = self.head[first:4096:2]
            if (
                len(high_bytes) > 8
                and high_bytes.count(0) > 0.7 * len(high_bytes)
                and any(self.head[1 - first : 64 : 2])
            ):
                return encoding
        try:
            codecs.getincrementaldecoder("utf-8")().decode(self.head, final=False)
        except UnicodeDecodeError:
            if b"\0" not in self.head:
                self.count_damage("text is not UTF-8; read as Windows-1252", 1)
            return "cp1252"
        return "utf-8"

    @cached_property
    def is_binary(self) -> bool:
        """Whether the head holds zero bytes or mostly control bytes, so that no text reader should try."""
        if self.encoding.startswith(("utf-16", "utf-32")):
            return False
        start = self.head[:4096]
        control = len(start) - len(start.translate(None, _CONTROL_BYTES))
        return b"\0" in self.head or control > len(start) // 10

    @cached_property
    def head_text(self) -> str:
        """The first 64 kB as text; undecodable bytes become U+FFFD."""
        return self.head.decode(self.encoding, errors="replace")

    def text(self) -> str:
        """The whole file as text; undecodable bytes become U+FFFD and are counted.

        Raises:
            ReadError: If the file is larger than `MAX_TEXT_BYTES` or cannot be read.
        """
        if self.size > MAX_TEXT_BYTES:
            message = f"`{self.name}` has {self.size:,} bytes, too many to be read in one piece"
            raise ReadError(message, hint=f"files up to {MAX_TEXT_BYTES:,} bytes of this format are read")
        return "".join(self.blocks())

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[str]:
        """The file as text in pieces of about `size` characters; undecodable bytes become U+FFFD and are counted.

        Raises:
            ReadError: If the file cannot be read to its end.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        try:
            with self._open() as handle:
                while data := handle.read(size):
                    yield self._decoded(decoder, data, final=False)
                yield self._decoded(decoder, b"", final=True)
        except OSError as error:
            message = f"`{self.name}` cannot be read: {error.strerror or error}"
            raise ReadError(message) from error

    def _decoded(self, decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> str:
        text = decoder.decode(data, final)
        if not text.isascii() and "\ufffd" in text:
            written = data.count("\ufffd".encode()) if self.encoding.startswith("utf-8") else 0
            if (broken := text.count("\ufffd") - written) > 0:
                self.count_damage("undecodable bytes were replaced", count=broken)
        return text

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Line numbers from 1 and lines without their end; over-long lines are cut and counted.

        Only `\n` and `\r\n` end a line; a lone carriage return stays inside (progress bars rewrite their line).

        Raises:
            ReadError: If the file cannot be read to its end.
        """
        number, kept, length = 1, [], 0
        for block in self.blocks(MAX_LINE_BYTES):
            first, *others = block.split("\n")
            if length < MAX_LINE_BYTES:
                kept.append(first)
            length += len(first)
            for line in others:
                yield number, self._finished("".join(kept), length, number)
                number, kept, length = number + 1, [line], len(line)
        if length:
            yield number, self._finished("".join(kept), length, number)

    def _finished(self, line: str, length: int, number: int) -> str:
        if length > MAX_LINE_BYTES:
            self.count_damage("line longer than 1 MiB, its rest was skipped", number)
            line = line[:MAX_LINE_BYTES]
        return line.rstrip("\r")


class TextPart(LogFile):
    """A text that stands inside a file, read as if it were a file of its own.

    Args:
        whole: The file.
        part: What the part is called; shown in brackets behind the file's name.
        text: The text; its first line is line 1.
    """

    def __init__(self, whole: LogFile, part: str, text: str) -> None:
        self.path = whole.path
        self.name = f"{whole.name}[{part}]"
        self._damage = {}
        self._data = text.encode("utf-8", errors="replace")
        self.size = len(self._data)
        self.head = self._data[:HEAD_BYTES]

    def _open(self) -> BinaryIO:
        return BytesIO(self._data)
