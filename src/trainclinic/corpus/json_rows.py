"""JSON as data files hold it: parsed strictly, with a reason for what cannot be parsed, repaired where that is safe.

It knows JSON. It does not know rows.
"""

from __future__ import annotations

import json
import re
from typing import Any

from trainclinic.corpus.stream import DataFile

BROKEN = object()
"""Stands for a value that could not be parsed."""
ERRORS = (ValueError, RecursionError)
_HALF_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}")
_TRAILING = re.compile(r",\s*(?=[}\]]\s*$)")
_EXCERPT = 40


class JsonParser:
    """Parses values of one file and notes what is wrong with each.

    Args:
        file: The file that is read.
    """

    def __init__(self, file: DataFile) -> None:
        self._file = file
        self._constants: list[str] = []
        self._doubles: list[str] = []
        self.decoder = json.JSONDecoder(parse_constant=self._constant)
        """For values inside a longer text; call `settle` after each."""
        self._lenient = json.JSONDecoder(parse_constant=self._constant, strict=False)
        self._paired = json.JSONDecoder(parse_constant=self._constant, strict=False, object_pairs_hook=self._object)

    def parse(self, text: str, line: int) -> Any:
        """The value that a text holds, or `BROKEN`.

        Args:
            text: The text, nothing but one value.
            line: Its line.
        """
        try:
            value = self.decoder.decode(text)
        except ERRORS as error:
            value = self._repaired(text, line, error)
        return value if value is BROKEN else self.settle(value, text, line)

    def settle(self, value: Any, text: str, line: int) -> Any:
        """Note what is odd about a parsed value: constants that JSON does not have, keys given twice, half characters.

        Args:
            value: The value.
            text: The text that it was parsed from.
            line: The line of the text.

        Returns:
            The value, with half characters replaced; `BROKEN` if it is nested too deeply to be walked.
        """
        try:
            return self._settled(value, text, line)
        except RecursionError as error:
            self._file.note("broken-json", reason(text, error), line, loses_row=True)
            return BROKEN

    def _settled(self, value: Any, text: str, line: int) -> Any:
        if text.count('":') != _count_keys(value):
            self._look_for_doubles(text, line)
        if self._constants:
            says = f"`{self._constants[0]}` is no JSON value, most loaders refuse the row"
            self._file.note("broken-json", says, line)
            self._constants.clear()
        if "\\u" in text and _HALF_PAIR.search(text):
            return self._whole_characters(value, line)
        return value

    def _look_for_doubles(self, text: str, line: int) -> None:
        before = len(self._constants)
        try:
            self._paired.decode(text)
        except ERRORS:
            return
        finally:
            del self._constants[before:]
        for key in dict.fromkeys(self._doubles):
            says = f"the key `{key[:_EXCERPT]}` stands twice in one object, the last one counts"
            self._file.note("duplicate-key", says, line)
        self._doubles.clear()

    def _repaired(self, text: str, line: int, error: BaseException) -> Any:
        """The value all the same, where one slip is all that is wrong; noted in any case."""
        self._constants.clear()
        slips = (
            (text.rstrip().rstrip(","), "a comma stands after the object"),
            (_TRAILING.sub("", text), "a comma stands before the closing bracket"),
            (text, "a control character stands in a string, where JSON wants it escaped"),
        )
        for candidate, says in slips:
            try:
                value = self._lenient.decode(candidate)
            except ERRORS:
                self._constants.clear()
                continue
            self._file.note("broken-json", says, line)
            return value
        self._file.note("broken-json", reason(text, error), line, loses_row=True)
        return BROKEN

    def _whole_characters(self, value: Any, line: int) -> Any:
        changed = _without_halves(value)
        if changed != value:
            says = "half of a surrogate pair (`\\ud800` to `\\udfff`) is no character"
            self._file.note("undecodable-bytes", says, line)
        return changed

    def _constant(self, name: str) -> float:
        self._constants.append(name)
        return float(name)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            names = [name for name, _ in pairs]
            self._doubles.extend(name for name in row if names.count(name) > 1)
        return row


def reason(text: str, error: BaseException) -> str:
    """Why a text is no JSON, with the place.

    Args:
        text: The text.
        error: What the parser raised.
    """
    if not isinstance(error, json.JSONDecodeError):
        return f"`{_shown(text, 0)}` is nested too deeply, or holds a number with too many digits"
    what = error.msg[:1].lower() + error.msg[1:]
    return f"`{_shown(text, error.pos)}` is no JSON: {what} at character {error.pos + 1:,}"


def _shown(text: str, at: int) -> str:
    start = max(0, min(at, len(text)) - _EXCERPT)
    shown = " ".join(text[start : start + 2 * _EXCERPT].replace("`", "'").split())
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in shown)


def _count_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_count_keys(one) for one in value.values() if isinstance(one, (dict, list)))
    if isinstance(value, list):
        return sum(_count_keys(one) for one in value if isinstance(one, (dict, list)))
    return 0


def _without_halves(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_halves(one) for one in value]
    if isinstance(value, dict):
        return {_without_halves(name): _without_halves(one) for name, one in value.items()}
    return value
