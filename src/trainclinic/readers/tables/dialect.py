"""How a delimited text file is written: its separator, its decimal sign, its header, judged from the first 64 kB."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from trainclinic.readers.tables.column_names import SERIES_NAMES, column_meaning, is_step_name, meanings_of

SEPARATORS = ",;\t|"
_SAMPLE_ROWS = 200
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+(?:[eE][+-]?\d+)?")
_WORDS_OF_DATA = {
    "text",
    "prompt",
    "instruction",
    "response",
    "completion",
    "question",
    "answer",
    "messages",
    "content",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to split a file into cells.

    Attributes:
        separator: Character between cells.
        header: Column names, made unique.
        header_line: Line of the header, counted from 1.
        decimal_comma: Whether numbers are written with a comma (in files separated by something else).
        sample: The first rows below the header, as cells.
    """

    separator: str
    header: tuple[str, ...]
    header_line: int
    decimal_comma: bool
    sample: tuple[tuple[str, ...], ...]

    def cells(self, name_index: int) -> list[str]:
        """The sampled cells of one column that are not empty."""
        return [row[name_index] for row in self.sample if name_index < len(row) and row[name_index]]


def split_row(line: str, separator: str) -> list[str]:
    """The cells of one line, quotes removed and white space stripped."""
    if '"' in line:
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
        except csv.Error:
            pass
    return [cell.strip() for cell in line.split(separator)]


def is_number(cell: str) -> bool:
    """Whether a cell is a number as any tool writes it; NaN and infinities included."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def detect(head: str) -> Dialect | None:
    """The dialect of a table of training metrics, or `None` when the text is not one.

    Args:
        head: The beginning of the file; its last line may be cut.
    """
    lines = head.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if start is None or len(lines[start]) > 20_000:
        return None
    separator = max(SEPARATORS, key=lambda sign: _known_columns(split_row(lines[start], sign)))
    header = split_row(lines[start], separator)
    if not _known_columns(header) or all(map(is_number, header)):
        return None
    body = [line for line in lines[start + 1 : start + 1 + _SAMPLE_ROWS] if line.strip()]
    sample = tuple(tuple(split_row(line, separator)) for line in body)
    decimal = separator != "," and any(_DECIMAL_COMMA.fullmatch(cell) for row in sample for cell in row)
    if decimal:
        sample = tuple(tuple(cell.replace(",", ".") for cell in row) for row in sample)
    return Dialect(separator, unique(header), start + 1, decimal, sample)


def confidence(dialect: Dialect | None, *, named_table: bool) -> float:
    """How sure one may be that a file is a table of metrics.

    Args:
        dialect: What `detect` found.
        named_table: Whether the file's name ends like a table (`.csv`, `.tsv`).
    """
    if dialect is None or not dialect.sample:
        return 0.6 if dialect is not None and named_table and _metrics(dialect.header) else 0.0
    if _WORDS_OF_DATA & {name.lower() for name in dialect.header} and _has_long_text(dialect):
        return 0.0
    width = len(dialect.header)
    fitting = sum(len(row) == width for row in dialect.sample)
    numeric = sum(any(map(is_number, dialect.cells(at))) for at in range(width))
    if not numeric or fitting * 2 < len(dialect.sample):
        return 0.0
    if _metrics(dialect.header):
        return 0.95 if named_table else 0.8 if width > 1 and fitting == len(dialect.sample) else 0.0
    return 0.5 if named_table and numeric >= 2 and any(map(is_step_name, dialect.header)) else 0.0


def exported_run(column: str) -> tuple[str, str] | None:
    """Run and column of a header that a tracker's chart export writes: `run-name - train/loss`."""
    run, dash, name = column.rpartition(" - ")
    return (run.strip(), name.strip()) if dash and run.strip() and name.strip() else None


def unique(header: list[str]) -> tuple[str, ...]:
    """Column names with a number behind repeated ones, and a name for empty ones."""
    seen: dict[str, int] = {}
    out = []
    for at, raw in enumerate(header, start=1):
        name = raw.strip().strip("\ufeff") or f"column {at}"
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(out)


def _metrics(header: tuple[str, ...]) -> bool:
    """Whether a header names at least one quantity of training beside the epoch."""
    own = [exported[1] if (exported := exported_run(name)) else name for name in header]
    return any(meaning.name in SERIES_NAMES and meaning.name != "train/epoch" for meaning in meanings_of(own))


def _known_columns(cells: list[str]) -> int:
    """Columns that a header row names; text that merely holds the separator has none."""
    known = 0
    for cell in cells[:2_000]:
        name = exported[1] if len(cell) < 300 and (exported := exported_run(cell)) else cell
        known += len(name) < 100 and (column_meaning(name).name in SERIES_NAMES or is_step_name(name))
    return (
        known if known or len(cells) < 2 else int(any(meaning.name in SERIES_NAMES for meaning in meanings_of(cells)))
    )


def _has_long_text(dialect: Dialect) -> bool:
    return any(len(cell.split()) > 3 for row in dialect.sample[:20] for cell in row)
