"""The rows of one long array inside a JSON object, read piece by piece, each with its line.

Knows JSON as Python writes it (`NaN`, `Infinity` and `-Infinity` are numbers) and how to go on after damage. A file of
a million rows never becomes a million objects at once. It does not know what the rows mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.file import LogFile

MAX_ROW_CHARACTERS = 64 * 1_048_576
"""What has no end after so many characters is no row, and must not be kept in memory."""

_ERRORS = (ValueError, RecursionError)
_BETWEEN = " \t\r\n,"
_SPACE = re.compile(r"[\s,]*")
_NEXT_ROW = re.compile(r"\}\s*,\s*\{")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of the array, in order.

    Attributes:
        rows: The objects.
        line: Line of each object's opening brace, `[n]`.
        height: Line breaks between the braces of each object, `[n]`.
    """

    rows: list[dict[str, Any]]
    line: NDArray[np.int64]
    height: NDArray[np.int64]


class JsonArray:
    """An array of objects under `key` in the JSON object that a file holds.

    Args:
        file: The file; damage is counted on it.
        key: The array's key.

    Raises:
        ReadError: If the file holds no such array.
    """

    def __init__(self, file: LogFile, key: str) -> None:
        self._file = file
        self._key = key
        self._blocks = file.blocks()
        start = re.compile(rf'"{re.escape(key)}"\s*:\s*\[')
        text, found = "", None
        while found is None:
            block = next(self._blocks, None)
            if block is None or len(text) > MAX_ROW_CHARACTERS:
                message = f"`{file.name}` has no `{key}` list"
                raise ReadError(message, hint=f"expected a JSON object with `{key}`: is the file complete?")
            text += block
            found = start.search(text)
        self._before, self._rest = text[: found.end()], text[found.end() :]
        self._line = 1 + self._before.count("\n")
        self._after = ""
        self._repeated_key = False

    def pieces(self) -> Iterator[Piece]:
        """All rows, in order; damaged ones are counted and left out. To be called once."""
        while True:
            cut = _last_boundary(self._rest)
            if cut and (piece := self._parse_clean(self._rest[:cut])):
                yield piece
                self._advance(cut)
                continue
            piece, end = self._parse_carefully(self._rest)
            yield piece
            self._advance(end)
            if self._rest.startswith("]"):
                self._after = "".join([self._rest[1:], *self._blocks])
                return
            if not self._refill():
                place = "inside a row of" if self._rest.strip(_BETWEEN + "\0") else "inside"
                self._file.count_damage(f"the file breaks off {place} `{self._key}`", self._line)
                return

    def _advance(self, characters: int) -> None:
        self._line += self._rest.count("\n", 0, characters)
        self._rest = self._rest[characters:]

    def outside(self) -> dict[str, Any]:
        """The object with an empty array in place of the rows, after `pieces` has come to its end."""
        head = self._before.lstrip("\ufeff")
        for text in (head + "]" + self._after, head + "]}"):
            try:
                found = json.loads(text)
            except _ERRORS:
                continue
            if isinstance(found, dict):
                return found
        return {}

    def line_outside(self, key: str) -> int | None:
        """The line on which `key` stands outside the array, after `pieces` has come to its end."""
        pattern = re.compile(rf'"{re.escape(key)}"\s*:')
        for text, first in ((self._before, 1), (self._after, self._line)):
            if found := pattern.search(text):
                return first + text.count("\n", 0, found.start())
        return None

    def _refill(self) -> bool:
        """Read one more block; false when there is none or the text has grown beyond a row."""
        block = next(self._blocks, "") or next(self._blocks, "")
        self._rest += block
        return bool(block) and len(self._rest) <= MAX_ROW_CHARACTERS

    def _parse_clean(self, chunk: str) -> Piece | None:
        """The rows of a chunk that holds whole flat rows and nothing else, else `None`."""
        try:
            rows = json.loads(f"[{chunk.strip(_BETWEEN)}]")
        except _ERRORS:
            return None
        codes = np.frombuffer(chunk.encode("latin-1" if chunk.isascii() else "utf-32-le", "replace"), _code_type(chunk))
        opens, closes = np.flatnonzero(codes == ord("{")), np.flatnonzero(codes == ord("}"))
        flat = len(rows) == opens.size == closes.size and set(map(type, rows)) == {dict}
        if not flat or chunk.count('":') != sum(map(len, rows)):  # nested, a brace in a string, a key given twice
            return None
        breaks = np.flatnonzero(codes == ord("\n"))
        first = np.searchsorted(breaks, opens)
        return Piece(rows, self._line + first, np.searchsorted(breaks, closes) - first)

    def _parse_carefully(self, text: str) -> tuple[Piece, int]:
        """The rows one by one, and where the first one that is not complete, or the end of the array, begins."""
        decoder = json.JSONDecoder(object_pairs_hook=self._object)
        rows: list[dict[str, Any]] = []
        places: list[tuple[int, int]] = []
        position = _skip_space(text, 0)
        while position < len(text) and text[position] != "]":
            try:
                row, end = decoder.raw_decode(text, position)
            except _ERRORS:
                following = _NEXT_ROW.search(text, position)
                if following is None:
                    break
                self._count("row that is not JSON", text, position)
                position = following.end() - 1
                continue
            if self._repeated_key:
                self._repeated_key = False
                self._count("row with a key given twice (the last value was kept)", text, position)
            if isinstance(row, dict):
                rows.append(row)
                places.append((position, end))
            else:
                self._count("row that is no object", text, position)
            position = _skip_space(text, end)
        line = self._lines_at(text, [begin for begin, _ in places])
        height = np.array([text.count("\n", begin, end) for begin, end in places], dtype=np.int64)
        return Piece(rows, line, height), position

    def _lines_at(self, text: str, positions: list[int]) -> NDArray[np.int64]:
        line, last, out = self._line, 0, []
        for position in positions:
            line += text.count("\n", last, position)
            last = position
            out.append(line)
        return np.array(out, dtype=np.int64)

    def _count(self, says: str, text: str, position: int) -> None:
        self._file.count_damage(f"{says} in `{self._key}`", self._line + text.count("\n", 0, position))

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            self._repeated_key = True
        return found


def _code_type(text: str) -> Any:
    return np.uint8 if text.isascii() else np.uint32


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _last_boundary(text: str) -> int:
    """Where the last row begins that follows another one; 0 when there is none among the last few braces."""
    end = len(text)
    for _ in range(32):
        end = text.rfind("{", 0, end)
        if end <= 0:
            return 0
        before = text[max(0, end - 256) : end].rstrip()
        if before.endswith(",") and before[:-1].rstrip().endswith("}"):
            return end
    return 0
