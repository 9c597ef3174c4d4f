"""TSV: a header, then rows of cells."""

from __future__ import annotations

from functools import partial

from trainclinic.corpus.container import Container
from trainclinic.corpus.delimited import read_table, table_confidence

CONTAINER = Container(
    form="tsv",
    title="TSV",
    recognised_by="a header of known fields, or the ending `.tsv`, over rows of as many cells",
    sniff=partial(table_confidence, delimiters="\t", ending=".tsv"),
    read=partial(read_table, delimiters="\t"),
)
