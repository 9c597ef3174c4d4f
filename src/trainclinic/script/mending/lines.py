"""Lines and columns of a text, as editors count them, in offsets; and the shape of its lines."""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right

from trainclinic.script.mending.patch import Refused, Span
from trainclinic.script.places import Place

_NEWLINE = re.compile(r"\r\n|\r|\n")


class Lines:
    """The lines of a text.

    Attributes:
        text: The text.
        newline: How its first line ends; a line feed where it has a single line.
    """

    def __init__(self, text: str) -> None:
        found = list(_NEWLINE.finditer(text))
        self.text = text
        self.newline = found[0][0] if found else "\n"
        self._starts = [0, *(match.end() for match in found)]
        self._ends = [*(match.start() for match in found), len(text)]

    def span(self, place: Place) -> Span:
        """The characters of a place.

        Raises:
            Refused: If the text has no such place.
        """
        return Span(self._offset(place.line, place.column), self._offset(place.end_line, place.end_column))

    def _offset(self, line: int, column: int) -> int:
        if not 1 <= line <= len(self._starts) or not 1 <= column <= self._length(line) + 1:
            message = f"the text has no line {line} with a column {column}"
            raise Refused(message)
        return self._starts[line - 1] + column - 1

    def _length(self, line: int) -> int:
        return self._ends[line - 1] - self._starts[line - 1]

    def offset(self, line: int, column: int) -> int:
        """Offset of a line from 1 and a column from 0, as libcst counts them: it adds a last line break to a text."""
        return self._starts[line - 1] + column if line <= len(self._starts) else len(self.text)

    def start_of_line(self, offset: int, up: int = 0) -> int:
        """Where the line of an offset begins, or the line `up` lines above it."""
        return self._starts[bisect_right(self._starts, offset) - 1 - up]

    def end_of_line(self, offset: int) -> int:
        """Where the line of an offset ends, before its line break."""
        return self._ends[bisect_right(self._starts, offset) - 1]

    def next_line(self, offset: int) -> int:
        """Where the line after that of an offset begins; the end of the text where there is none."""
        number = bisect_right(self._starts, offset)
        return self._starts[number] if number < len(self._starts) else len(self.text)

    def indent(self, offset: int) -> str:
        """The white space that the line of an offset begins with."""
        line = self.text[self.start_of_line(offset) : self.end_of_line(offset)]
        return line[: len(line) - len(line.lstrip())]

    def begins_line(self, offset: int) -> bool:
        """Whether only white space stands before an offset in its line."""
        return not self.text[self.start_of_line(offset) : offset].strip()


def parsed(text: str) -> ast.Module:
    """The syntax tree of a text, without the warnings of the parser.

    Raises:
        Refused: If it is no Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        message = "the result would not be valid Python"
        raise Refused(message) from error


def indented(code: str, indent: str, newline: str) -> str:
    """Statements at another indentation and with other line breaks; the inside of long strings keeps its columns.

    Args:
        code: Statements that begin in the first column.
        indent: White space to begin each line with.
        newline: How lines end.

    Raises:
        Refused: If the code is no Python.
    """
    inside = {
        line
        for node in ast.walk(parsed(code))
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno is not None
        for line in range(node.lineno + 1, node.end_lineno + 1)
    }
    lines = _NEWLINE.split(code.strip("\r\n"))
    return newline.join(
        line if not line.strip() or number in inside else indent + line for number, line in enumerate(lines, start=1)
    )
