"""JSON lines: one object a line. Bad lines are told with their number and never stop the rest."""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.corpus.container import Container
from trainclinic.corpus.json_form import LINE_ENDINGS, json_form
from trainclinic.corpus.json_rows import BROKEN, JsonParser
from trainclinic.corpus.raw import Raw
from trainclinic.corpus.sample import Trouble
from trainclinic.corpus.stream import DataFile


def sniff(file: DataFile) -> float:
    """By lines that are objects; by name alone where no line can be read."""
    if json_form(file) == "lines":
        return 0.9
    return 0.3 if file.is_called(*LINE_ENDINGS) else 0.0


def read(file: DataFile) -> Iterator[Raw | Trouble]:
    """Every line that holds a value."""
    parser = JsonParser(file)
    for number, line in file.lines():
        if not line or line.isspace():
            continue
        if not line.strip("\0 \r\t"):
            file.note("nul-byte", f"the line is {line.count(chr(0)):,} NUL bytes and nothing else", number)
            continue
        value = parser.parse(line, number)
        if value is BROKEN:
            yield from file.told()
        else:
            yield Raw(value, number)


CONTAINER = Container(
    form="jsonl",
    title="JSON lines",
    recognised_by="lines that begin and end like objects; the ending `.jsonl` or `.ndjson`",
    sniff=sniff,
    read=read,
)
