"""One data file as bytes, lines or text: compression, encoding and damage, handled once for all containers.

It knows nothing of rows. Whatever the size of the file, it holds about one block and one line in memory.
"""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from trainclinic.corpus.archives import ArchiveDamage, unpacked
from trainclinic.corpus.sample import Trouble
from trainclinic.record.errors import ReadError
from trainclinic.record.source import Source

HEAD_BYTES = 65_536
MAX_LINE = 64 << 20
"""Longest line that is read, in bytes or characters; no row of text is that long, and memory stays bounded."""
_BOM = "\ufeff"
_CONTROL = bytes([*range(1, 9), *range(14, 27), *range(28, 32)])
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Line(NamedTuple):
    r"""One line.

    Attributes:
        number: Counted from 1.
        text: Its text without the line feed; a carriage return before it is kept.
    """

    number: int
    text: str


class DataFile:
    """A data file that is being read.

    Args:
        path: The file.
        name: How the user would name it.
        compression: `gz`, `zst` or empty.
        limit: Unpacked bytes after which the file is taken to end; `None` reads all of it.

    Attributes:
        notes: Damage that was met and is not yet told; whoever reads rows empties it as it goes.

    Raises:
        ReadError: If the file cannot be opened, or a library that its compression needs is not installed.
    """

    def __init__(self, path: Path, name: str, compression: str = "", *, limit: int | None = None) -> None:
        self.path = path
        self.name = name
        self.compression = compression
        self.notes: deque[Trouble] = deque()
        self._limit = limit
        try:
            with path.open("rb") as handle:
                head = b""
                try:
                    for piece in unpacked(handle, compression, name):
                        head += piece
                        if len(head) >= HEAD_BYTES:
                            break
                except ArchiveDamage:
                    pass  # told when the rows are read
        except OSError as error:
            message = f"`{name}` cannot be read: {error.strerror or error}"
            raise ReadError(message, hint="check that the file exists and that you may read it") from error
        self.head = head[:HEAD_BYTES]
        """The first 64 kB, unpacked."""
        self.is_short = len(head) < HEAD_BYTES
        """Whether `head` is the whole file."""

    def is_called(self, *endings: str) -> bool:
        """Whether the name has one of these endings, before that of its compression."""
        return self.name.lower().removesuffix(f".{self.compression}").endswith(endings)

    def source(self, line: int | None = None, key: str = "") -> Source:
        """A place in this file."""
        return Source(self.name, line, key)

    def trouble(
        self, kind: str, says: str, line: int | None = None, *, key: str = "", loses_row: bool = False
    ) -> Trouble:
        """Something wrong at a place in this file; see `Trouble`."""
        return Trouble(kind, says, self.source(line, key), loses_row)

    def note(self, kind: str, says: str, line: int | None = None, *, key: str = "", loses_row: bool = False) -> None:
        """Remember a trouble until it can be told."""
        self.notes.append(self.trouble(kind, says, line, key=key, loses_row=loses_row))

    def told(self) -> Iterator[Trouble]:
        """The notes so far, each once."""
        while self.notes:
            yield self.notes.popleft()

    @cached_property
    def encoding(self) -> str:
        """UTF-16 or UTF-32 by mark or by zero bytes, else UTF-8."""
        for mark, encoding in _ENCODINGS:
            if self.head.startswith(mark):
                return encoding
        for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            high = self.head[first:4096:2]
            if len(high) > 8 and high.count(0) > 0.7 * len(high) and any(self.head[1 - first : 64 : 2]):
                return encoding
        return "utf-8"

    @cached_property
    def is_binary(self) -> bool:
        """Whether the head is mostly no text."""
        if self.encoding != "utf-8":
            return False
        start = self.head[:4096]
        control = len(start) - len(start.translate(None, _CONTROL))
        broken = start.decode("utf-8", "replace").count("\ufffd") if not start.isascii() else 0
        return control > len(start) // 10 or start.count(0) * 2 > len(start) or broken * 5 > len(start)

    @cached_property
    def head_text(self) -> str:
        """The first 64 kB as text without byte-order mark; bytes that cannot be decoded become U+FFFD."""
        return self.head.decode(self.encoding, errors="replace").lstrip(_BOM)

    def pieces(self, *, ignores_limit: bool = False) -> Iterator[bytes]:
        """The unpacked bytes in pieces of at most a few MiB; a damaged archive ends early, with a note.

        Args:
            ignores_limit: Whether to give all, for forms that make no sense when they are cut.

        Raises:
            ReadError: If the file cannot be read to its end.
        """
        taken = 0
        try:
            with self.path.open("rb") as handle:
                for piece in unpacked(handle, self.compression, self.name):
                    if self._limit is not None and not ignores_limit and taken + len(piece) >= self._limit:
                        yield piece[: self._limit - taken]
                        return
                    taken += len(piece)
                    yield piece
        except ArchiveDamage as error:
            says = f"the `{self.compression}` archive is damaged: {error}; {taken:,} unpacked bytes were read"
            self.note("unreadable", says)
        except OSError as error:
            message = f"`{self.name}` cannot be read: {error.strerror or error}"
            raise ReadError(message) from error

    def texts(self) -> Iterator[Line]:
        """The file as pieces of whole lines with the number of their first line; the last line feed is left out.

        Raises:
            ReadError: If the file cannot be read to its end.
        """
        feed = b"\r" if b"\r" in self.head and b"\n" not in self.head else b"\n"
        number, rest, skipping = 1, b"", False
        for piece in self._utf8_pieces():
            if skipping:
                _, found, rest = piece.partition(feed)
                number, skipping = number + len(found), not found
            else:
                rest += piece
            block, found, rest = rest.rpartition(feed)
            if found:
                yield self._decoded(block.replace(b"\r", b"\n") if feed == b"\r" else block, number)
                number += block.count(feed) + 1
            if len(rest) > MAX_LINE:
                self.note("unreadable", f"a line of more than {MAX_LINE:,} bytes was skipped", number, loses_row=True)
                rest, skipping = b"", True
        if rest:
            yield self._decoded(rest, number)

    def blocks(self) -> Iterator[str]:
        """The file as pieces of text that end anywhere.

        Raises:
            ReadError: If the file cannot be read to its end.
        """
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        is_told = False
        for piece in self._utf8_pieces():
            text = decoder.decode(piece)
            if not is_told and "\ufffd" in text and text.count("\ufffd") > piece.count("\ufffd".encode()):
                is_told = True
                self.note("undecodable-bytes", "bytes that are not UTF-8 were replaced")
            if text:
                yield text
        if rest := decoder.decode(b"", final=True):
            self.note("undecodable-bytes", "the file ends inside of a character")
            yield rest

    def lines(self, *, compares_ends: bool = True) -> Iterator[Line]:
        """Line by line; byte-order marks at the beginning of lines are taken away, with a note.

        Args:
            compares_ends: Whether line ends of different kinds in one file are worth a note.

        Raises:
            ReadError: If the file cannot be read to its end.
        """
        kinds: dict[bool, int] = {}
        for first, text in self.texts():
            if compares_ends and len(kinds) < 2:
                self._compare_ends(text, first, kinds)
            has_mark = _BOM in text
            for number, line in enumerate(text.split("\n"), start=first):
                if has_mark and line.startswith(_BOM):
                    self.note("byte-order-mark", "a byte-order mark stands at the beginning of the line", number)
                    yield Line(number, line.lstrip(_BOM))
                else:
                    yield Line(number, line)

    def _compare_ends(self, text: str, first: int, kinds: dict[bool, int]) -> None:
        """Remember the first line that ends each way; every text but the last ends before a line feed."""
        returns, feeds = text.count("\r\n"), text.count("\n")
        if not feeds or (kinds.get(False) and not returns) or (kinds.get(True) and returns == feeds):
            return
        for number, line in enumerate(text.split("\n")[:-1], start=first):
            kinds.setdefault(line.endswith("\r"), number)
        if len(kinds) == 2:
            odd = "a carriage return and a line feed" if kinds[True] > kinds[False] else "a line feed alone"
            self.note("mixed-newlines", f"the line ends with {odd}, unlike the lines before", max(kinds.values()))

    def _utf8_pieces(self) -> Iterator[bytes]:
        if self.encoding == "utf-8":
            yield from self.pieces()
            return
        self.note("byte-order-mark", f"the file is written in {self.encoding.upper()}, most loaders expect UTF-8", 1)
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        is_told = False
        for data in self.pieces():
            text = decoder.decode(data)
            if "\ufffd" in text and not is_told:
                is_told = True
                self.note("undecodable-bytes", f"bytes that are not {self.encoding.upper()} were replaced")
            yield text.encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")

    def _decoded(self, block: bytes, number: int) -> Line:
        try:
            return Line(number, block.decode())
        except UnicodeDecodeError:
            lines = []
            for at, line in enumerate(block.split(b"\n"), start=number):
                lines.append(self._decoded_line(line, at))
            return Line(number, "\n".join(lines))

    def _decoded_line(self, line: bytes, number: int) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            says = f"byte `0x{line[error.start]:02x}` at offset {error.start:,} is not UTF-8"
            self.note("undecodable-bytes", says, number)
            return line.decode(errors="replace")
