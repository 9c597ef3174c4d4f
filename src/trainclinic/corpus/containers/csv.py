"""CSV: a header, then rows of cells."""

from __future__ import annotations

from functools import partial

from trainclinic.corpus.container import Container
from trainclinic.corpus.delimited import read_table, table_confidence

CONTAINER = Container(
    form="csv",
    title="CSV",
    recognised_by="a header of known fields, or the ending `.csv`, over rows of as many cells between `,`, `;` or `|`",
    sniff=partial(table_confidence, delimiters=",;|", ending=".csv"),
    read=partial(read_table, delimiters=",;|"),
)
