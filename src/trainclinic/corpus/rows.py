"""Rows of a file to samples: the container reads them, their way of writing says what they mean.

It knows both rooms. It does not know which rows are good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trainclinic.corpus.container import all_containers
from trainclinic.corpus.fields import Content
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.row_schema import RowSchema, all_schemas, renamed, understood
from trainclinic.corpus.sample import Sample, Trouble
from trainclinic.corpus.stream import DataFile

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Shard

LONGEST_OTHER = 200
"""Characters that are kept of a field that plays no part."""


def rows_of(shard: Shard) -> Iterator[Sample | Trouble]:
    """Every row of a file in order, and every trouble where it was met.

    Args:
        shard: The file.

    Raises:
        ReadError: If the file cannot be opened, or a library that its format needs is not installed.
    """
    file = DataFile(shard.path, shard.name, shard.compression)
    reader = _Reader(shard, file)
    for raw in all_containers()[shard.form].read(file):
        if isinstance(raw, Trouble):
            yield reader.counted(raw)
            continue
        for trouble in file.told():
            yield reader.counted(trouble)
        yield from reader.sample(raw)
    for trouble in file.told():
        yield reader.counted(trouble)


class _Reader:
    """Turns the raw rows of one file into samples and counts them."""

    def __init__(self, shard: Shard, file: DataFile) -> None:
        self._file = file
        self._schema = all_schemas().get(shard.schema) if shard.schema else None
        self._columns = dict(shard.columns)
        self._is_named = bool(shard.columns)
        self._number = 0

    def counted(self, trouble: Trouble) -> Trouble:
        """The same trouble; a row that is lost to it has a number all the same."""
        self._number += trouble.loses_row
        return trouble

    def sample(self, raw: Raw) -> Iterator[Sample | Trouble]:
        number, self._number = self._number, self._number + 1
        key = raw.key or ("" if raw.line else f"row {number + 1}")
        row = _as_row(raw.value)
        if row is None:
            says = f"{_excerpt(raw.value)} is no object with fields"
            yield self._file.trouble("not-an-object", says, raw.line, key=key, loses_row=True)
            return
        row = renamed(row, self._columns)
        schema, row = (all_schemas()[raw.schema], row) if raw.schema else self._understood(row)
        if schema is None:
            names = ", ".join(f"`{name}`" for name in list(row)[:8]) or "none"
            says = f"the fields {names} belong to no known way of writing training data"
            yield self._file.trouble("unknown-fields", says, raw.line, key=key, loses_row=True)
            return
        if self._schema is not None and schema is not self._schema and not raw.schema:
            says = f"the row is written as `{schema.name}`, most rows of the file as `{self._schema.name}`"
            yield self._file.trouble("other-schema", says, raw.line, key=key)
        content = Content(from_table=raw.from_table)
        schema.read(row, content)
        sample = self._sample(raw, row, schema, content, number, key)
        for kind, says in (*content.troubles, *_odd_characters(sample)):
            yield self._file.trouble(kind, says, raw.line, key=key)
        yield sample

    def _sample(
        self, raw: Raw, row: Mapping[str, Any], schema: RowSchema, content: Content, number: int, key: str
    ) -> Sample:
        others = tuple(
            (name, _short(value))
            for name, value in row.items()
            if name not in content.used and value is not None and not isinstance(value, (list, dict))
        )
        return Sample(
            self._file.source(raw.line, key), number, schema.name, content.messages, content.text, content.rejected,
            content.is_liked, content.tools, content.ids, content.labels, content.attended, others,
        )  # fmt: skip

    def _understood(self, row: Mapping[str, Any]) -> tuple[RowSchema | None, Mapping[str, Any]]:
        """The way in which a row is written, and the row under the names that this way knows."""
        if self._schema is not None and (self._is_named or self._schema.fits(row) > 0):
            return self._schema, row
        return understood(row)


def _odd_characters(sample: Sample) -> Iterator[tuple[str, str]]:
    """What no text should hold, and rows that hold no text at all."""
    if not (sample.ids or sample.text or any(one.content or one.calls or one.reasoning for one in sample.messages)):
        yield "empty-row", "the row holds no text"
    texts = (sample.text, *(one.content for one in sample.messages))
    if any("\0" in text for text in texts):
        yield "nul-byte", "the text holds the character NUL (`\\u0000`)"
    if any("\ufeff" in text for text in texts):
        yield "byte-order-mark", "the text holds a byte-order mark (`\\ufeff`)"


def _as_row(value: Any) -> Mapping[str, Any] | None:
    """The fields of a value: a bare string is a text, a bare list of turns a conversation."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        return {"messages": value}
    return None


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_OTHER else text[:LONGEST_OTHER]


def _excerpt(value: Any) -> str:
    text = " ".join(str(value).replace("`", "'").split())
    return f"`{text[:40]}`"
