"""Tables in binary files, read with `polars` some rows at a time.

It knows how to get rows out of them. It does not know what columns mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from trainclinic.corpus.container import INSTALL_HINT
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import DataFile
from trainclinic.record.errors import ReadError

ROWS = 2_000


def polars_for(file: DataFile) -> Any:
    """The library, imported.

    Args:
        file: The file that needs it.

    Raises:
        ReadError: If it is not installed.
    """
    try:
        import polars
    except ImportError as error:
        message = f"`{file.name}` needs `polars`, which is not installed"
        raise ReadError(message, hint=INSTALL_HINT) from error
    return polars


def scanned_rows(file: DataFile, scan: Callable[[], Any]) -> Iterator[Raw | Trouble]:
    """Rows of a lazy frame, some thousand at a time; a damaged rest is told.

    Args:
        file: The file.
        scan: Makes a `polars.LazyFrame` over it.

    Raises:
        ReadError: If the file is packed, because such tables are read from their end.
    """
    polars = polars_for(file)
    if file.compression:
        message = f"`{file.name}` is a table inside a `{file.compression}` archive, which cannot be read in pieces"
        raise ReadError(message, hint="unpack it first")
    at = 0
    try:
        for frame in scan().collect_batches(chunk_size=ROWS, maintain_order=True, engine="streaming"):
            yield from framed_rows(frame, at)
            at += len(frame)
    except (polars.exceptions.PolarsError, OSError) as error:
        yield damaged(file, at, error)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what the library raises where it finds a fault of its own
            raise
        yield damaged(file, at, error)


def framed_rows(frame: Any, start: int = 0) -> Iterator[Raw]:
    """Rows of a frame in memory; a field without a value is left out, as files in which it can be missing have it.

    Args:
        frame: `polars.DataFrame`.
        start: Number of its first row in the file.
    """
    for at, row in enumerate(frame.iter_rows(named=True), start=start + 1):
        yield Raw({name: value for name, value in row.items() if value is not None}, None, f"row {at}")


def damaged(file: DataFile, at: int, error: BaseException) -> Trouble:
    """What is said about a table that cannot be read to its end.

    Args:
        file: The file.
        at: Rows that were read.
        error: What the library raised.
    """
    says = f"the table cannot be read on after row {at:,}: {' '.join(str(error).split())[:120]}"
    return file.trouble("unreadable", says)
