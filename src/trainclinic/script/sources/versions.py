"""Versions of libraries that a project pins: requirements, lock files, environments, `pip install` lines.

It knows exact pins only: a minimum says nothing about the version that runs. Which of several environments a script is
run in is not known; where files disagree, the most exact kind of file nearest to the top is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from trainclinic.record.source import Source
from trainclinic.script.sources.decoding import plain_lines

LIBRARIES = frozenset(
    {"torch", "transformers", "trl", "peft", "accelerate", "datasets", "bitsandbytes", "deepspeed", "unsloth"}
)
"""Libraries whose behaviour rules know by version."""
LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock")
MOST_BYTES = 5_000_000
"""Lock files of large projects have some megabytes."""

_LIBRARY = rf"(?P<library>{'|'.join(sorted(LIBRARIES))}|pytorch)"
_VERSION = r"v?(?P<version>\d[\w.+!]*)(?![\w.+!*])"
_PINNED = re.compile(rf"(?<![\w.-]){_LIBRARY}\s*(?:\[[^\]\n]*\])?\s*={{2,3}}\s*{_VERSION}", re.I)
_CONDA = re.compile(rf"^\s*-\s*[\"']?(?:[\w-]+::)?{_LIBRARY}\s*=\s*{_VERSION}", re.I)
_LISTED = re.compile(rf"^{_LIBRARY}\s+{_VERSION}(?=\s|$)", re.I)
_POETRY = re.compile(rf"^\s*{_LIBRARY}\s*=\s*[\"']{_VERSION}[\"']", re.I)
_LOCKED = re.compile(rf"^name = \"{_LIBRARY}\"\nversion = \"{_VERSION}\"", re.I | re.M)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_INSTALL = re.compile(r"\b(?:pip[\d.]*|uv|conda|mamba)\b.{0,200}?\b(?:install|add)\b", re.I)
_KINDS = (
    re.compile(r"(uv|poetry|pdm)\.lock"),
    re.compile(r"(pip[-_ ]?)?(freeze|list)[\w.-]*\.txt"),
    re.compile(r"(requirements|constraints)[\w.-]*\.(txt|in)"),
    re.compile(r"(environment|conda)[\w.-]*\.(ya?ml|txt)"),
    re.compile(r"pyproject\.toml"),
)
_ALSO = {1: (_LISTED,), 3: (_CONDA,), 4: (_POETRY,)}
"""How files of some kinds pin besides `name==version`."""
INSTALLED, MENTIONED = -1, len(_KINDS)


class Pin(NamedTuple):
    """A version that a file names. Pins sort by how much they say about the version that runs.

    Attributes:
        rank: Kind of the file; the smaller, the more exact.
        depth: Folders above the file.
        file: The file, as the user would name it.
        line: Line in it, from 1.
        library: The library.
        version: Its version as written.
    """

    rank: int
    depth: int
    file: str
    line: int
    library: str
    version: str


def rank_of(path: Path) -> int | None:
    """The kind of a file by its name; `None` when it names no versions."""
    name = path.name.lower()
    if path.parent.name.lower() == "requirements" and path.suffix == ".txt":
        return 2
    return next((rank for rank, pattern in enumerate(_KINDS) if pattern.fullmatch(name)), None)


def read_pins(path: Path, name: str) -> list[Pin]:
    """The pins in a file; none when it cannot be read.

    Args:
        path: A file that `rank_of` knows.
        name: How the user would name it.
    """
    rank = rank_of(path)
    try:
        if rank is None or path.stat().st_size > MOST_BYTES:
            return []
        text = plain_lines(path.read_text(encoding="utf-8-sig", errors="replace"))
    except OSError:
        return []
    if path.name.lower() in LOCK_FILES:
        return [
            _pin(rank, name, text.count("\n", 0, found.start("version")) + 1, found) for found in _LOCKED.finditer(text)
        ]
    patterns = [_PINNED, *_ALSO.get(rank, ())]
    return [
        _pin(rank, name, number, found)
        for number, line in enumerate(text.split("\n"), start=1)
        for pattern in patterns
        for found in pattern.finditer(_COMMENT.sub("", line))
    ]


def installed_pins(rank: int, lines: Iterable[tuple[Source, str]]) -> list[Pin]:
    """The pins in `pip install transformers==4.40.0` and its like.

    Args:
        rank: `INSTALLED` where the line is run, `MENTIONED` where it merely stands in the text.
        lines: Lines or whole commands, each with its place.
    """
    return [
        _pin(rank, source.path, source.line or 1, found)
        for source, text in lines
        if "==" in text and _INSTALL.search(text)
        for found in _PINNED.finditer(text)
    ]


def _pin(rank: int, name: str, line: int, found: re.Match[str]) -> Pin:
    library = found["library"].lower().replace("pytorch", "torch")
    return Pin(rank, name.count("/"), name, line, library, found["version"])


def versions_of(pins: Iterable[Pin]) -> dict[str, tuple[str, Source]]:
    """One version for each library, with the line that says it.

    Args:
        pins: Pins of all files.
    """
    found: dict[str, tuple[str, Source]] = {}
    for pin in sorted(pins):
        found.setdefault(pin.library, (pin.version, Source(pin.file, pin.line)))
    return dict(sorted(found.items()))
