"""One input file, opened once: its name as the user knows it, its first bytes, its lines and its damage."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source

HEAD_BYTES = 65_536
MAX_LINE_BYTES = 1_048_576
"""Longer lines are cut: no row of a training log is that long, and one file may be a single line of a gigabyte."""

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
        """Encoding by byte-order mark, else UTF-8 when the head decodes as such, else Windows-1252."""
        for bom, encoding in _BOMS:
            if self.head.startswith(bom):
                return encoding
        try:
            codecs.getincrementaldecoder("utf-8")().decode(self.head, final=False)
        except UnicodeDecodeError:
            self.count_damage("text is not UTF-8; read as Windows-1252", 1)
            return "cp1252"
        return "utf-8"

    @cached_property
    def is_binary(self) -> bool:
        """Whether the head holds zero bytes or mostly control bytes, so that no text reader should try."""
        if self.encoding in {"utf-16", "utf-32"}:
            return False
        control = sum(1 for byte in self.head[:4096] if byte < 9 or 13 < byte < 27 or 27 < byte < 32)
        return b"\0" in self.head or control > len(self.head[:4096]) // 10

    @cached_property
    def head_text(self) -> str:
        """The first 64 kB as text; undecodable bytes become U+FFFD."""
        return self.head.decode(self.encoding, errors="replace")

    def text(self) -> str:
        """The whole file as text; undecodable bytes become U+FFFD and are counted."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            message = f"`{self.name}` cannot be read: {error.strerror or error}"
            raise ReadError(message) from error
        text = data.decode(self.encoding, errors="replace")
        if self.encoding != "cp1252" and "\ufffd" in text and not _contains_replacement(data, self.encoding):
            self.count_damage("undecodable bytes were replaced", None, count=text.count("\ufffd"))
        return text

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Line numbers from 1 and lines without their end; over-long lines are cut and counted.

        Only `\n` and `\r\n` end a line; a lone carriage return stays inside (progress bars rewrite their line).
        """
        if self.encoding in {"utf-16", "utf-32"}:
            yield from enumerate(self.text().split("\n"), start=1)
            return
        number = 0
        with self.path.open("rb") as handle:
            while raw := handle.readline(MAX_LINE_BYTES):
                number += 1
                if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
                    self.count_damage("line longer than 1 MiB, its rest was skipped", number)
                    while (rest := handle.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                        pass
                text = raw.decode(
                    self.encoding if number == 1 else self.encoding.removesuffix("-sig"), errors="replace"
                )
                yield number, text.rstrip("\r\n")


def _contains_replacement(data: bytes, encoding: str) -> bool:
    return "\ufffd".encode(encoding.removesuffix("-sig")) in data
