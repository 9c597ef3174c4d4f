"""Arguments and parameters as text: adding one and taking one out, in the layout that the list already has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trainclinic.script.mending.lines import Lines
from trainclinic.script.mending.patch import Patch, Span

_BETWEEN = re.compile(r"(?:[ \t\f\r\n]|\\\r?\n|#[^\r\n]*)*")


def after_blanks(text: str, offset: int) -> int:
    """The next character that belongs to the code: white space, comments and line joins are skipped."""
    found = _BETWEEN.match(text, offset)
    return found.end() if found else offset


@dataclass(frozen=True, slots=True)
class CommaList:
    """The inside of a pair of round brackets.

    Attributes:
        lines: The text.
        opening: Offset after the opening bracket.
        items: Characters of each item, without its comma.
    """

    lines: Lines
    opening: int
    items: Sequence[Span]

    def added(self, code: str, before: int | None = None) -> list[Patch]:
        """Add an item.

        Args:
            code: The item.
            before: Position of the item before which it has to stand; `None` puts it last.
        """
        if before is not None:
            return [self._before(code, self.items[before])]
        if not self.items:
            return [_insertion(self.opening, code)]
        return self._last(code)

    def _before(self, code: str, item: Span) -> Patch:
        text, lines = self.lines.text, self.lines
        gap = " "
        if lines.begins_line(item.start) and "\n" in text[self.opening : item.start].replace("\r", "\n"):
            gap = lines.newline + lines.indent(item.start)
        return _insertion(item.start, f"{code},{gap}")

    def _last(self, code: str) -> list[Patch]:
        last = self.items[-1]
        comma = self._comma(last)
        end = last.end if comma is None else comma
        gap = lines_gap = " "
        if self._is_tall:
            gap = lines_gap = self.lines.newline + self.lines.indent(last.start)
        if self._is_tall and not self._closes_in_line(end):
            line_end = self.lines.end_of_line(end)
            if comma is not None:
                return [_insertion(line_end, f"{lines_gap}{code},")]
            return [_insertion(last.end, ","), _insertion(line_end, lines_gap + code)]
        return [_insertion(end, f"{gap}{code}," if comma is not None else f",{gap}{code}")]

    @property
    def _is_tall(self) -> bool:
        """Whether items stand in lines of their own."""
        last = self.items[-1]
        return self.lines.begins_line(last.start) and self.lines.start_of_line(last.start) >= self.opening

    def _closes_in_line(self, offset: int) -> bool:
        """Whether the closing bracket stands in the same line as an offset."""
        closing = after_blanks(self.lines.text, offset)
        return closing <= self.lines.end_of_line(offset)

    def _comma(self, item: Span) -> int | None:
        """Offset after the comma that follows an item."""
        at = after_blanks(self.lines.text, item.end)
        return at + 1 if self.lines.text[at : at + 1] == "," else None

    def removed(self, index: int) -> list[Patch]:
        """Take an item out, with the comment beside it where it has a line of its own.

        Args:
            index: Its position.
        """
        item = self.items[index]
        own = self._own_lines(index)
        if own is not None:
            return [_deletion(own.start, own.end)]
        comma = self._comma(item)
        if index + 1 < len(self.items):
            following = self.items[index + 1].start
            end = item.end if comma is None else comma
            if not self.lines.text[end:following].strip() and self.lines.end_of_line(end) >= following:
                return [_deletion(item.start, following)]
            return [_deletion(self._after_spaces_before(item.start), end)]
        if index == 0:
            return [_deletion(item.start, item.end if comma is None else comma)]
        if comma is not None:
            return [_deletion(self._after_spaces_before(item.start), comma)]
        return self._last_removed(item, self.items[index - 1])

    def _last_removed(self, item: Span, previous: Span) -> list[Patch]:
        text = self.lines.text
        comma = after_blanks(text, previous.end)
        if not text[comma + 1 : item.start].strip():
            return [_deletion(comma, item.end)]
        return [_deletion(comma, comma + 1), _deletion(item.start, item.end)]

    def _own_lines(self, index: int) -> Span | None:
        """The lines that hold an item and nothing else but its comma and a comment."""
        item, lines = self.items[index], self.lines
        start = lines.start_of_line(item.start)
        end = self._comma(item) or item.end
        line_end = lines.end_of_line(end)
        rest = lines.text[end:line_end].strip()
        if start < self.opening or not lines.begins_line(item.start) or (rest and not rest.startswith("#")):
            return None
        return Span(start, lines.next_line(end))

    def _after_spaces_before(self, offset: int) -> int:
        while self.lines.text[offset - 1] in " \t":
            offset -= 1
        return offset


def _insertion(offset: int, text: str) -> Patch:
    return Patch(Span(offset, offset), text)


def _deletion(start: int, end: int) -> Patch:
    return Patch(Span(start, end), "")
