"""What a reader is, and which reader a file goes to."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from trainclinic.readers import formats

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment


@dataclass(frozen=True, slots=True)
class Reader:
    """One file format. Each module in `formats` defines one as `READER`; its docstring is the format's page.

    Attributes:
        name: Short name, equal to the module's, e.g. `hf_trainer_state`.
        title: What the format is called in the reference.
        recognised_by: How `sniff` knows it, for the reference.
        delivers: What a record gets from it, for the reference.
        limits: What it cannot deliver, for the reference.
        sniff: Confidence between 0 and 1 that this reader fits, from the name and the first 64 kB alone.
        read: The file's fragments; raises `ReadError` when the file is not what it seemed.
    """

    name: str
    title: str
    recognised_by: str
    delivers: str
    limits: str
    sniff: Callable[[LogFile], float]
    read: Callable[[LogFile], list[Fragment]]


@cache
def all_readers() -> tuple[Reader, ...]:
    """Every reader below `formats`, by name.

    Raises:
        ValueError: If a module's reader does not carry the module's name.
    """
    found = []
    for info in pkgutil.iter_modules(formats.__path__):
        reader = getattr(importlib.import_module(f"{formats.__name__}.{info.name}"), "READER", None)
        if not isinstance(reader, Reader) or reader.name != info.name:
            message = f"`readers/formats/{info.name}.py` must define `READER` with name `{info.name}`"
            raise ValueError(message)
        found.append(reader)
    return tuple(found)


def pick_reader(file: LogFile) -> Reader | None:
    """The reader with the highest confidence, or `None` when no reader claims the file."""
    scored = [(reader.sniff(file), reader) for reader in all_readers()]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return best[1] if best[0] > 0 else None
