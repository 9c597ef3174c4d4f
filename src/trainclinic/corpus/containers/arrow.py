"""Arrow IPC: the stream form that Hugging Face `datasets` saves, and the file form."""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.corpus.arrow_stream import MARK, batches
from trainclinic.corpus.container import Container
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import DataFile
from trainclinic.corpus.tables import damaged, framed_rows, polars_for, scanned_rows

_FILE_MAGIC = b"ARROW1"


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Rows in order, one batch in memory at a time; a damaged rest is told."""
    polars = polars_for(file)
    if file.head.startswith(_FILE_MAGIC):
        yield from scanned_rows(file, lambda: polars.scan_ipc(file.path, glob=False))
        return
    at = 0
    try:
        for batch in batches(file.pieces(ignores_limit=True)):
            frame = polars.read_ipc_stream(batch)
            yield from framed_rows(frame, at)
            at += len(frame)
    except (polars.exceptions.PolarsError, ValueError) as error:
        yield damaged(file, at, error)


CONTAINER = Container(
    form="arrow",
    title="Arrow",
    recognised_by="the bytes `ARROW1`, or the mark of an Arrow stream, at the beginning",
    sniff=lambda file: 1.0 if file.head.startswith((_FILE_MAGIC, MARK)) else 0.0,
    read=read,
)
