"""Console text: any log that a training run printed, whatever wrote it, with its settings and events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.readers.blocks import Block
from trainclinic.readers.reader import Reader
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_SUFFIXES = """.py .pyi .md .rst .yaml .yml .toml .cfg .ini .json .jsonl .ndjson .csv .tsv .ipynb .html .htm .js .ts .c
    .cc .cpp .cu .h .java .go .rs .rb .sh .bash .zsh .css .tex .bib .xml .svg .lock .patch .diff .sql .r .m .jl .ps1"""
_OTHER_FORMATS = frozenset(_SUFFIXES.split())
_SOURCE_LINE = re.compile(
    r"^(?:import \w|from \w[\w.]* import |def \w+\(|class \w+[(:]|if __name__|#include|    return )", re.M
)
_SNIFF_LINES = 600


def sniff(file: LogFile) -> float:
    """High when rows are recognised in the head, low when only settings or events are, zero for other formats."""
    if file.path.suffix.lower() in _OTHER_FORMATS or _is_binary(file) or not file.head.strip():
        return 0.0
    text = file.head_text.replace("\r\n", "\n").replace("\0", "")
    if len(_SOURCE_LINE.findall(text)) >= 3 and "Traceback" not in text:
        return 0.0
    from trainclinic.readers.grammars.console import scanner_of  # most files go elsewhere after a look at their name

    scanner = scanner_of(file)
    scanner.take(Block(1, "\n".join(text.split("\n")[:_SNIFF_LINES])))
    tables = [table for table in scanner.finish() if table.order]
    kinds = {table.kind for table in tables}
    bars_tell = any(
        hole.name and not hole.name.startswith("time") for t in tables if t.kind == "bar" for hole in t.holes
    )
    if scanner.bare.is_used:
        return 0.45
    if bars_tell or kinds & {"row", "train", "eval", "summary", "block"}:
        return 0.5 if text.lstrip()[:2] in {'{"', "[{", "{\n", "[\n", "<?", "<!"} else 0.8
    said = (
        len(scanner.events.seen)
        + len(scanner.events.outcomes)
        + len(scanner.events.lone_losses)
        + sum(map(len, scanner.settings.found.values()))
    )
    return 0.2 if said or kinds else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read rows, settings and events; one fragment for each run in the file.

    Raises:
        ReadError: If nothing of a training run is found.
    """
    from trainclinic.readers.grammars.console import console_fragments

    fragments = console_fragments(file, "console_log")
    if all(fragment.is_empty for fragment in fragments):
        message = f"`{file.name}` holds no row, setting or message of a training run"
        raise ReadError(message, hint="expected lines such as `step 10: loss 2.3` or `{'loss': 2.3, 'epoch': 0.1}`")
    return fragments


def _is_binary(file: LogFile) -> bool:
    """Binary by control bytes; zero bytes alone also fill logs after a crash of the machine."""
    zeros = file.head.count(b"\0")
    return file.is_binary and not (
        zeros
        and zeros < len(file.head) // 2
        and b"\n" in file.head
        and file.head[:1].isascii()
        and sum(byte < 9 or 13 < byte < 27 for byte in file.head if byte) < len(file.head) // 100
    )


READER = Reader(
    name="console_log",
    title="Console text of any trainer or training loop",
    recognised_by="rows such as `{'loss': ...}`, `step N: train loss X`, `iter N: loss X`, `[N/T] loss=X` or tqdm bars",
    delivers="every named number by step; times and speed; printed settings, commands and versions; events",
    limits="rows without a step are counted, unless progress bars or `logging_steps` place them; rows without names "
    "are read as step and loss only where nothing else is there",
    sniff=sniff,
    read=read,
)
