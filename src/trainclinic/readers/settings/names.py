"""Settings of many tools, mapped to the project's facts: by name here, by value in `meanings`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from trainclinic.readers.settings.aliases import ALIASES, SECTIONS
from trainclinic.record.vocabulary import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainclinic.record.facts import Fact

_BY_ALIAS = {name: name for name in FACTS}
_BY_ALIAS |= {alias: name for name, aliases in ALIASES.items() for alias in aliases.split()}
_SEPARATORS = re.compile(r"[\s\-]+")
MAX_DEPTH = 6
MAX_SETTINGS = 5_000
"""Bounds of one configuration: deeper or longer ones are not settings any more (weight maps, vocabularies)."""


class Setting(NamedTuple):
    """One setting as a file spells it.

    Attributes:
        name: Its name; sections joined with dots.
        value: Whatever the file holds: number, text, boolean, list, `None`.
        line: Line in the file, when lines mean something.
    """

    name: str
    value: Any
    line: int | None = None


class SettingFacts(NamedTuple):
    """What settings say, ready for a `Fragment`."""

    facts: list[Fact]
    other_facts: list[Fact]
    versions: list[Fact]


def normal_name(raw: str) -> str:
    """One spelling of a setting's name: lower case, `_` between words, no leading dashes; dots stay."""
    return _SEPARATORS.sub("_", raw.strip().strip("`'\"*").lstrip("-").strip().lower())


def canonical_setting(raw: str) -> str | None:
    """The fact that a setting's name stands for, or `None` when the vocabulary has no word for it.

    Args:
        raw: Name as the user wrote it: `--per-device-train-batch-size`, `args.lr`, `LORA_RANK`, `optimizer.lr`.
    """
    name = normal_name(raw)
    while name:
        if name in _BY_ALIAS:
            return _BY_ALIAS[name]
        section, dot, rest = name.partition(".")
        if not dot or section not in SECTIONS:
            return None
        name = rest
    return None


def flat_settings(tree: Mapping[Any, Any], lines: Mapping[str, int] | None = None) -> Iterator[Setting]:
    """The leaves of nested mappings as settings with dotted names; lists of mappings give their first `path` only.

    Args:
        tree: Parsed configuration.
        lines: Line of each dotted name, where known.
    """
    known = lines or {}
    pending: list[tuple[str, Any, int]] = [("", tree, 0)]
    produced = 0
    while pending and produced < MAX_SETTINGS:
        name, value, depth = pending.pop()
        if isinstance(value, Mapping) and depth < MAX_DEPTH:
            inner = [(f"{name}.{key}" if name else str(key), item, depth + 1) for key, item in value.items()]
            pending.extend(reversed(inner[:MAX_SETTINGS]))
        elif not isinstance(value, Mapping):
            produced += 1
            yield Setting(name, _plain(value), known.get(name))


def _plain(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    items = [item.get("path", item.get("name")) if isinstance(item, Mapping) else item for item in value[:64]]
    return [item for item in items if isinstance(item, (str, int, float))]
