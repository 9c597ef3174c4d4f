"""Text that came from logs, made safe to show: control characters become visible, and nothing is ever a command."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from typing import Any, TypeVar

Shown = TypeVar("Shown")

# C0 and C1 controls except tab and newline, bidirectional overrides, line separators and lone surrogates.
_HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
LONGEST = 2000
"""Characters kept of one text; a whole page pasted into a log line would bury the report."""


def visible(text: str) -> str:
    r"""The text with every hostile character written out: `ESC` becomes `\x1b`, a right-to-left override `\u202e`."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} … ({len(text) - LONGEST:,} more characters)"
    return _HOSTILE.sub(_written_out, text) if _HOSTILE.search(text) else text


def cleaned(document: Shown) -> Shown:
    """The same dataclass with every text in it made visible; numbers are not touched."""
    result: Shown = _clean(document)
    return result


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, tuple):
        if not value or (isinstance(value[0], (int, float)) and isinstance(value[-1], (int, float))):
            return value
        items = tuple(_clean(item) for item in value)
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        old = {name: getattr(value, name) for name in _field_names(type(value))}
        changed = {name: new for name, item in old.items() if (new := _clean(item)) is not item}
        return dataclasses.replace(value, **changed) if changed else value
    return value


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _written_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
