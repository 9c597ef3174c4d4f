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
        ReadError: If it is not installed, or the file is packed.
    """
    if file.compression:
        message = f"`{file.name}` is a table inside a `{file.compression}` archive, which cannot be read in pieces"
        raise ReadError(message, hint="unpack it first")
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
    """
    polars = polars_for(file)
    at = 0
    while True:
        try:
            piece = scan().slice(at, ROWS).collect()
        except (polars.exceptions.PolarsError, OSError) as error:
            yield _damaged(file, at, error)
            return
        yield from framed_rows(piece, at)
        at += len(piece)
        if len(piece) < ROWS:
            return


def framed_rows(frame: Any, start: int = 0) -> Iterator[Raw]:
    """Rows of a frame in memory.

    Args:
        frame: `polars.DataFrame`.
        start: Number of its first row in the file.
    """
    for at, row in enumerate(frame.iter_rows(named=True), start=start + 1):
        yield Raw(row, None, f"row {at}")


def _damaged(file: DataFile, at: int, error: Exception) -> Trouble:
    says = f"the table cannot be read on after row {at:,}: {' '.join(str(error).split())[:120]}"
    return file.trouble("unreadable", says)
