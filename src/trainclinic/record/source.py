"""Where a value was read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """The place in the user's files that a value, event or fact comes from.

    Attributes:
        path: File as the user would name it: relative to what was given on the command line, with `/`.
        line: Line in that file, counted from 1; `None` where lines mean nothing (a binary file, a folder listing).
        key: Key or column inside the file, e.g. `torch_dtype`; empty when the line says enough.
    """

    path: str
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        """`train.log:12`, or ``config.json `torch_dtype` `` when there is a key and no line."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place} `{self.key}`" if self.key else place
