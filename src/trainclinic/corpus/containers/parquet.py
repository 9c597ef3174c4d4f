"""Parquet: columns in groups of rows."""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.corpus.container import Container
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import DataFile
from trainclinic.corpus.tables import polars_for, scanned_rows


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Rows in order."""
    yield from scanned_rows(file, lambda: polars_for(file).scan_parquet(file.path, glob=False))


CONTAINER = Container(
    form="parquet",
    title="Parquet",
    recognised_by="the bytes `PAR1` at the beginning",
    sniff=lambda file: 1.0 if file.head.startswith(b"PAR1") else 0.0,
    read=read,
)
