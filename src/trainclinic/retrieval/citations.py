"""Citations in an answer while it is written: which passages it names, and which it names that were never given.

It knows marks like `[2]` and `[1, 3]`; it does not know whether a passage says what the answer claims.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"(\s*)\[\s*([1-9]\d{0,2}(?:\s*[,;]\s*[1-9]\d{0,2})*)\s*\]")
_OPEN = re.compile(r"\s*\[[\d\s,;]*$|\s+$")
_LONGEST_OPEN = 40


class CitationFilter:
    """Lets an answer through piece by piece, without the citations that name no passage.

    Args:
        given: Number of passages that the writer was given; they are numbered from 1.

    Attributes:
        cited: Numbers of the passages that were cited, in the order of their first mention.
        dropped: Numbers that name no passage and were taken out, in the order of their first mention.
    """

    def __init__(self, given: int) -> None:
        self.given = given
        self.cited: list[int] = []
        self.dropped: list[int] = []
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown now; the beginning of what may become a citation is held back.

        Args:
            piece: The next piece of the answer.
        """
        text = self._held + piece
        opened = _OPEN.search(text)
        is_held = opened is not None and len(opened[0]) <= _LONGEST_OPEN
        cut = opened.start() if opened is not None and is_held else len(text)
        self._held = text[cut:]
        return _MARK.sub(self._checked, text[:cut])

    def finish(self) -> str:
        """What was still held back."""
        rest, self._held = self._held, ""
        return rest

    def _checked(self, mark: re.Match[str]) -> str:
        numbers = [int(part) for part in re.split(r"[,;]", mark[2])]
        known = [number for number in numbers if number <= self.given]
        for number in numbers:
            seen = self.cited if number <= self.given else self.dropped
            if number not in seen:
                seen.append(number)
        return f"{mark[1]}[{', '.join(map(str, known))}]" if known else ""
