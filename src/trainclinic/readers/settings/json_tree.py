"""A whole JSON file as settings: dotted names, plain values, and the line on which each key stands."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainclinic.readers.settings.names import Setting, flat_settings
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

MAX_JSON_BYTES = 5_000_000
"""Larger JSON files are vocabularies, weight maps and data, not settings."""
_KEY = re.compile(r'"((?:[^"\\\n]|\\.){1,200})"\s*:')


def json_object(file: LogFile) -> dict[str, Any]:
    """The object that a file holds.

    Raises:
        ReadError: If the file is too large, cut off, or holds no object.
    """
    if file.size > MAX_JSON_BYTES:
        message = f"`{file.name}` has {file.size:,} bytes, too many for a configuration"
        raise ReadError(message, hint=f"configurations up to {MAX_JSON_BYTES:,} bytes are read")
    try:
        value = json.loads(file.text())
    except (ValueError, RecursionError) as error:
        message = f"`{file.name}` is not complete JSON: {str(error)[:120]}"
        raise ReadError(message, hint="the file may be cut off: look for another copy") from error
    if not isinstance(value, dict):
        message = f"`{file.name}` holds a JSON {type(value).__name__}, expected an object with settings"
        raise ReadError(message)
    return value


def json_settings(file: LogFile, value: dict[str, Any] | None = None) -> Iterator[Setting]:
    """The leaves of an object as settings with their lines; `{"lr": {"value": 1e-4, "desc": null}}` is `lr: 1e-4`.

    Args:
        file: The file.
        value: Its object, when it was parsed before.

    Raises:
        ReadError: If the file holds no object.
    """
    tree = json_object(file) if value is None else value
    lines = _KeyLines(file.text())
    for setting in flat_settings(unwrapped(tree)):
        yield setting._replace(line=lines.next_of(setting.name.rpartition(".")[2]))


def unwrapped(tree: dict[str, Any]) -> dict[str, Any]:
    """Settings without the `{"value": ..., "desc": ...}` that W&B puts around each."""
    return {
        key: item["value"] if isinstance(item, dict) and "value" in item and set(item) <= {"value", "desc"} else item
        for key, item in tree.items()
        if key != "_wandb"
    }


class _KeyLines:
    """Lines of keys, in the order in which they stand in the text."""

    def __init__(self, text: str) -> None:
        self._places: dict[str, list[int]] = {}
        for found in _KEY.finditer(text):
            self._places.setdefault(found[1], []).append(found.start())
        self._breaks = [found.start() for found in re.finditer("\n", text)]

    def next_of(self, key: str) -> int | None:
        """The line of the next occurrence of a key; the last one again when there is no further one."""
        places = self._places.get(key)
        if not places:
            return None
        at = places.pop(0) if len(places) > 1 else places[0]
        return bisect_right(self._breaks, at) + 1
