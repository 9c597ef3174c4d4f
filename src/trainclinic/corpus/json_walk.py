"""Walk through JSON that is larger than memory, value by value, with line numbers.

It knows JSON text. It does not know which values are rows.
"""

from __future__ import annotations

import json
import re
from typing import Any

from trainclinic.corpus.json_rows import BROKEN, ERRORS, JsonParser, reason
from trainclinic.corpus.stream import MAX_LINE, DataFile

_SPACE = re.compile(r"[ \t\r\n\ufeff\0]*")
_NAME_END = re.compile(r"\s*:\s*")
_SETTLED = 64
"""Characters behind an error that show that it is none of a text that merely goes on."""
_LEAST_BUFFER = 1 << 16


class JsonWalk:
    """A place in a JSON text.

    Args:
        file: The file that holds the text.

    Attributes:
        line: Line of the place.
    """

    def __init__(self, file: DataFile) -> None:
        self._file = file
        self._blocks = file.blocks()
        self._parser = JsonParser(file)
        self._buffer, self._at, self._is_at_end = "", 0, False
        self._first_key = ""
        self.line = 1

    def peek(self) -> str:
        """The next character that is no white space; empty at the end of the text."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._move(found.end() if found else self._at)
            if self._at < len(self._buffer) or not self._more():
                return self._buffer[self._at : self._at + 1]

    def take(self, mark: str) -> bool:
        """Step over a mark, if it is the next character.

        Args:
            mark: One character.
        """
        is_there = self.peek() == mark
        if is_there:
            self._move(self._at + 1)
        return is_there

    def skip(self, marks: str) -> None:
        """Step over any number of marks.

        Args:
            marks: The characters.
        """
        while (mark := self.peek()) and mark in marks:
            self._move(self._at + 1)

    def end_list(self) -> None:
        """Step over the end of a list; noted when the text ends before."""
        if not self.take("]"):
            says = "the file ends inside of a list, `]` is missing"
            self._file.note("broken-json", says, self.line)

    def matches(self, pattern: re.Pattern[str]) -> bool:
        """Whether the text goes on like this.

        Args:
            pattern: A pattern of a few characters.
        """
        self._hold(_LEAST_BUFFER)
        return pattern.match(self._buffer, self._at) is not None

    def name(self) -> str | None:
        """The name of the member that begins here, stepping over the colon; `None`, noted, if none does."""
        name = self.value()
        if not isinstance(name, str):
            if name is not BROKEN:
                self._file.note("broken-json", "a name in quotation marks was expected", self.line)
            self.give_up()
            return None
        self.peek()
        self._hold(_LEAST_BUFFER)
        found = _NAME_END.match(self._buffer, self._at)
        if found is None:
            self._file.note("broken-json", f"a colon was expected after `{name[:40]}`", self.line)
            self.give_up()
            return None
        self._move(found.end())
        self.peek()
        return name

    def value(self) -> Any:
        """The value that begins here; `BROKEN`, noted, if it is none."""
        self.peek()
        while True:
            try:
                value, end = self._parser.decoder.raw_decode(self._buffer, self._at)
            except ERRORS as error:
                if self._goes_on(error):
                    self._more()
                    continue
                self._file.note("broken-json", reason(self._buffer, error), self._line_of(error), loses_row=True)
                self._move(max(self._at, getattr(error, "pos", self._at)))
                return BROKEN
            if end == len(self._buffer) and not self._is_at_end and self._more():
                continue
            line, text = self.line, self._buffer[self._at : end]
            self._move(end)
            return self._parser.settle(value, text, line)

    def remember(self, row: Any) -> None:
        """Keep the first key of a good row, by which `find_next_row` finds the row after a broken one.

        Args:
            row: A row.
        """
        if not self._first_key and isinstance(row, dict) and row:
            self._first_key = next(iter(row))

    def find_next_row(self) -> bool:
        """Go to the next object that begins with the same key as the rows before; without success to the end."""
        if self._first_key:
            pattern = re.compile(r"\{\s*" + re.escape(json.dumps(self._first_key, ensure_ascii=False)) + r"\s*:")
            while True:
                found = pattern.search(self._buffer, self._at)
                if found:
                    self._move(found.start())
                    return True
                self._move(max(self._at, len(self._buffer) - 2 * _SETTLED - len(self._first_key)))
                if not self._more():
                    break
        self.give_up()
        return False

    def give_up(self) -> None:
        """Go to the end of the text, because nothing tells where the next row begins; noted."""
        if self.peek():
            self._file.note("unreadable", "the rest of the file was not read, its structure is lost", self.line)
        for _ in self._blocks:
            pass
        self._buffer, self._at, self._is_at_end = "", 0, True

    def _goes_on(self, error: BaseException) -> bool:
        """Whether an error may only mean that the value does not end in what was read so far."""
        if self._is_at_end or len(self._buffer) - self._at > MAX_LINE or not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated") or error.pos + _SETTLED > len(self._buffer)

    def _line_of(self, error: BaseException) -> int:
        position = getattr(error, "pos", self._at)
        return self.line + self._buffer.count("\n", self._at, max(self._at, position))

    def _move(self, to: int) -> None:
        self.line += self._buffer.count("\n", self._at, to)
        self._at = to

    def _hold(self, size: int) -> None:
        while len(self._buffer) - self._at < size and self._more():
            pass

    def _more(self) -> bool:
        """Read on, at least as much as is waiting already, so that a long value is tried a few times only."""
        kept = self._buffer[self._at :]
        parts, length = [kept], 0
        for text in self._blocks:
            parts.append(text)
            length += len(text)
            if length >= len(kept):
                break
        self._is_at_end = len(parts) == 1
        self._buffer, self._at = "".join(parts), 0
        return not self._is_at_end
