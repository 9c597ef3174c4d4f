"""Tell JSON lines from one JSON document by the first 64 kB of a file, and rows from what wraps them.

It knows how rows are usually wrapped. It does not read rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from trainclinic.corpus.stream import DataFile

ROW_LISTS = frozenset((
    "messages", "conversations", "conversation", "dialogue", "dialog", "turns", "chosen", "rejected", "prompt",
    "completion", "response", "responses", "answers", "tools", "functions", "history", "input_ids", "labels",
    "attention_mask", "images", "videos", "audios", "token_type_ids", "choices", "options", "candidates",
))  # fmt: skip
"""Fields of one row that hold lists; a list under any other name may be the rows of the file."""
LINE_ENDINGS = (".jsonl", ".ndjson", ".jsonlines")
_OPENS_OBJECT = re.compile(r"\{\s*(\"|\}|$)")
_OPENS_LIST = re.compile(r"\[\s*([\[{\"\]\d-]|$|true|false|null)")
_WRAPS = re.compile(r'\{\s*"([^"\\]{1,80})"\s*:\s*\[\s*\{')
_LOOKED_AT = 20


def json_form(file: DataFile) -> Literal["lines", "document", ""]:
    """Whether a file looks like JSON lines, like one JSON document, or like neither.

    Args:
        file: The file.
    """
    text = file.head_text.lstrip("\ufeff \t\r\n\0")
    opens = _OPENS_LIST if text.startswith("[") else _OPENS_OBJECT
    lines = [line.strip() for line in text.split("\n")]
    whole = [line for line in (lines if file.is_short else lines[:-1]) if line][:_LOOKED_AT]
    if file.is_called(*LINE_ENDINGS) and any(_is_row(_parsed(line)) for line in whole):
        return "lines"
    if not opens.match(text):
        closed = [line for line in whole if _is_object_line(line)]
        return "lines" if len(closed) * 2 > len(whole) else ""
    if text.startswith("["):
        return "lines" if len(whole) > 1 and all(isinstance(_parsed(line), list) for line in whole[:2]) else "document"
    if len(whole) > 1:
        closed = [line for line in whole if _is_object_line(line)]
        return "lines" if len(closed) * 2 > len(whole) else "document"
    value = _parsed(whole[0]) if whole else None
    return (
        "document" if wraps_rows(value, text) else "lines" if value is None or whole == [text.strip()] else "document"
    )


def wraps_rows(value: Any, text: str) -> bool:
    """Whether an object is no row but holds the rows of its file in a list.

    Args:
        value: The object; `None` when it could not be parsed because it goes on.
        text: Its beginning.
    """
    if isinstance(value, dict):
        return any(holds_rows(name, one) for name, one in value.items()) or len(rows_of_columns(value)) > 1
    found = _WRAPS.match(text)
    return found is not None and found[1].lower() not in ROW_LISTS


def holds_rows(name: str, value: Any) -> bool:
    """Whether a field of a JSON document holds the rows of the file.

    Args:
        name: Name of the field.
        value: Its value.
    """
    is_list = isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)
    return is_list and name.lower() not in ROW_LISTS


def _is_row(value: Any) -> bool:
    """Whether a value is a row by itself: an object, or a list of turns."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict) and bool({"role", "from"} & set(value[0]))
    return isinstance(value, dict)


def rows_of_columns(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of an object that holds a list of texts for each field; none where it is no such object.

    Args:
        value: The object.
    """
    columns = list(value.values())
    if len(columns) < 2 or not all(isinstance(column, list) and column for column in columns):
        return []
    if len(set(map(len, columns))) > 1 or not all(isinstance(cell, str) for column in columns for cell in column):
        return []
    return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _is_object_line(line: str) -> bool:
    return line.startswith("{") and line.rstrip(",").endswith("}")


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
