"""What a container is, and which container a file is.

It knows how files hold rows. It does not know what rows mean.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from trainclinic.corpus import containers
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.corpus.raw import Raw
    from trainclinic.corpus.sample import Trouble
    from trainclinic.corpus.stream import DataFile

INSTALL_HINT = "install it with `pip install 'trainclinic[data]'`"


@dataclass(frozen=True, slots=True)
class Container:
    """One way in which a file holds rows. Each module in `containers` defines one as `CONTAINER`.

    Attributes:
        form: Short name, as in `Shard.form`.
        title: What it is called.
        recognised_by: How `sniff` knows it.
        sniff: Confidence between 0 and 1 that the file is one, from its name and its first 64 kB alone.
        read: Its rows in order, and the troubles that cost a row; notes of the file are told by the caller.
    """

    form: str
    title: str
    recognised_by: str
    sniff: Callable[[DataFile], float]
    read: Callable[[DataFile], Iterator[Raw | Trouble]]


@cache
def all_containers() -> dict[str, Container]:
    """Every container below `containers`, by form.

    Raises:
        ValueError: If a module defines none, or two carry one form.
    """
    found: dict[str, Container] = {}
    for info in pkgutil.iter_modules(containers.__path__):
        container = getattr(importlib.import_module(f"{containers.__name__}.{info.name}"), "CONTAINER", None)
        if not isinstance(container, Container) or container.form in found:
            message = f"`corpus/containers/{info.name}.py` must define `CONTAINER` with a form of its own"
            raise ValueError(message)
        found[container.form] = container
    return found


def pick_container(file: DataFile) -> Container:
    """The container that fits best.

    Args:
        file: The file.

    Raises:
        ReadError: If the file is empty, or no container claims it.
    """
    if not file.head:
        message = f"`{file.name}` is empty"
        raise ReadError(message)
    score, best = max(((one.sniff(file), one) for one in all_containers().values()), key=lambda pair: pair[0])
    if score <= 0:
        message = f"`{file.name}` holds neither text nor a table, so it has no rows to read"
        raise ReadError(message, hint="JSON, JSON lines, CSV, TSV, Parquet, Arrow, Markdown and plain text are read")
    return best
