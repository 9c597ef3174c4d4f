"""What a container gives: one row as it is written, before anybody asks what its fields mean.

It knows places and fields. It does not know training data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trainclinic.corpus.sample import Schema


@dataclass(frozen=True, slots=True)
class Raw:
    """One row of a file.

    Attributes:
        value: Its fields by name; anything else where the file holds no object there.
        line: Its first line, `None` in files without lines.
        key: What finds it where the line does not: `row 12`, `train[3]`.
        schema: How it is written, where the container itself says so (Markdown, plain text).
        from_table: Whether its values come from cells of text, so that numbers and lists are text by nature.
    """

    value: Any
    line: int | None = None
    key: str = ""
    schema: Schema | None = None
    from_table: bool = False
