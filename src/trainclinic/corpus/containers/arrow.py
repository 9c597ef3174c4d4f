"""Arrow IPC: the file form, and the stream form that Hugging Face `datasets` saves."""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.corpus.container import Container
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import DataFile
from trainclinic.corpus.tables import framed_rows, polars_for, scanned_rows

_FILE, _STREAM = b"ARROW1", b"\xff\xff\xff\xff"


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Rows in order; a stream is read as a whole, because its batches have no index."""
    polars = polars_for(file)
    if file.head.startswith(_FILE):
        yield from scanned_rows(file, lambda: polars.scan_ipc(file.path, glob=False))
        return
    try:
        frame = polars.read_ipc_stream(file.path)
    except (polars.exceptions.PolarsError, OSError) as error:
        yield file.trouble("unreadable", f"the Arrow stream is damaged: {' '.join(str(error).split())[:120]}")
        return
    yield from framed_rows(frame)


CONTAINER = Container(
    form="arrow",
    title="Arrow",
    recognised_by="the bytes `ARROW1`, or the mark of an Arrow stream, at the beginning",
    sniff=lambda file: 1.0 if file.head.startswith((_FILE, _STREAM)) else 0.0,
    read=read,
)
