"""Rows of keys and JSON values in protobuf, as W&B's history holds them, gathered by key.

An item has a key (1) or the parts of a nested one (2), and a value as JSON (16). Most items have one short key and one
short value, which is read without the general walk over fields; that is faster, and long runs have millions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.binary.wire import BYTES, FIXED64, VARINT, NotProtobuf, double, fields, text, varint
from trainclinic.readers.tables.row_columns import numbers_in

if TYPE_CHECKING:
    from trainclinic.readers.tables.table import Table

BATCH_ROWS = 20_000
_ITEM_TAG, _KEY_TAG, _NESTED_TAG = 0x0A, 0x0A, 0x12
_JSON_TAG = b"\x82\x01"
_KEY, _NESTED, _FLAG, _INTEGER, _NUMBER, _TEXT, _JSON_TEXT, _JSON = 1, 2, 4, 5, 6, 7, 8, 16


def keyed_values(record: bytes, start: int, end: int) -> tuple[str, bytes | None]:
    """Key, parts joined with `/`, and value as JSON of one item; `None` for a value of no known kind.

    Raises:
        NotProtobuf: If the bytes are no message.
    """
    key, nested = "", []
    value: bytes | None = None
    for part in fields(record, start, end):
        if part.kind == BYTES:
            if part.number == _KEY:
                key = text(record, part)
            elif part.number == _NESTED:
                nested.append(text(record, part))
            elif part.number in (_JSON, _JSON_TEXT):
                value = record[part.start : part.end]
            elif part.number == _TEXT:
                value = json.dumps(text(record, part)).encode()
        elif part.kind == VARINT and part.number in (_FLAG, _INTEGER):
            number = varint(record, part.start)[0]
            value = (b"true" if number else b"false") if part.number == _FLAG else b"%d" % _unzigzag(number)
        elif part.kind == FIXED64 and part.number == _NUMBER:
            value = json.dumps(double(record, part)).encode()
    return "/".join(nested) or key, value


def _unzigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


class HistoryRows:
    """Rows gathered by key, turned into numbers every `BATCH_ROWS` rows: long runs need no memory for their text.

    Args:
        table: Where the numbers go.

    Attributes:
        numbers: Record number of each row, `[rows]`.
        unread: Numbers of the records with a value that is no JSON.
    """

    def __init__(self, table: Table) -> None:
        self.numbers: list[int] = []
        self.unread: list[int] = []
        self._table = table
        self._columns: dict[bytes, tuple[list[int], list[bytes]]] = {}

    def add(self, record: bytes, start: int, end: int, number: int) -> None:
        """Add the row in `record[start:end]`.

        Raises:
            NotProtobuf: If the bytes are no row.
        """
        if len(self.numbers) % BATCH_ROWS == 0:
            self.settle()
        row, columns, at = len(self.numbers), self._columns, start
        self.numbers.append(number)
        while at < end:
            if record[at] != _ITEM_TAG:
                self._other(record, at, end, row)
                return
            size, at = (record[at + 1], at + 2) if record[at + 1] < 128 else varint(record, at + 1)
            stop = at + size
            if stop > end:
                message = "an item runs over the end of its row"
                raise NotProtobuf(message)
            length = record[at + 1] if size > 5 else 0
            middle = at + 2 + length
            tag = record[at] if size else 0
            plain = tag in (_KEY_TAG, _NESTED_TAG) and length < 128 and record[middle : middle + 2] == _JSON_TAG
            if plain and middle + 3 + record[middle + 2] == stop:
                key, value = record[at + 2 : middle], record[middle + 3 : stop]
            else:
                name, found = keyed_values(record, at, stop)
                key, value = name.encode(), found if found is not None else b"null"
            column = columns.get(key)
            if column is None:
                column = columns[key] = ([], [])
            column[0].append(row)
            column[1].append(value)
            at = stop

    def _other(self, record: bytes, at: int, end: int, row: int) -> None:
        """The rest of a row from a field that is no item on (its step, say)."""
        for part in fields(record, at, end):
            if part.number == 1 and part.kind == BYTES:
                name, found = keyed_values(record, part.start, part.end)
                rows, values = self._columns.setdefault(name.encode(), ([], []))
                rows.append(row)
                values.append(found if found is not None else b"null")

    def settle(self) -> None:
        """Give the rows so far to the table."""
        for key, (rows, texts) in self._columns.items():
            try:
                parsed: list[Any] = json.loads(b"[" + b",".join(texts) + b"]")
            except (ValueError, RecursionError):
                parsed = [_loaded(one) for one in texts]
                self.unread += [self.numbers[row] for row, value in zip(rows, parsed, strict=True) if value is _UNREAD]
            if len(parsed) != len(rows):
                parsed = [_loaded(one) for one in texts]
            values, usable = numbers_in(parsed)
            if usable.any():
                self._table.add(key.decode("utf-8", "replace"), np.array(rows, np.int64)[usable], values[usable])
        self._columns.clear()


_UNREAD = object()


def _loaded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _UNREAD
