"""Tables of results: what was measured under each of several settings, one row a setting, and no steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.redact import redact
from trainclinic.readers.tables.column_names import is_step_name
from trainclinic.readers.tables.dialect import SEPARATORS, is_number, split_row
from trainclinic.readers.tables.number_columns import NOT_LOGGED, kind_of
from trainclinic.readers.tables.run_columns import is_evaluation, is_phase_name
from trainclinic.record.parts import Result

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

_TABLES = {".csv", ".tsv", ".txt", ".md", ".log"}
_LINES = {".jsonl", ".ndjson"}
MOST_ROWS = 1_000
_MEASURED = (
    "loss",
    "ppl",
    "perplexity",
    "nll",
    "moved",
    "changed",
    "delta",
    "grad_norm",
    "reward",
    "score",
    "accuracy",
)
_SETTINGS = """seq length len context block batch accum lr learning_rate rate world gpus rank processes bits version
    scale alpha tokens gpu device"""
_ACCUMULATION = ("accum", "gradient acc", "gradient_acc", "grad acc", "grad_acc")
_COUNTED = ("seq", "length", "len", "context", "block", *_ACCUMULATION, "world", "gpus", "processes", "bits")
"""Settings in numbers that make a table one of results; a rate or a count of tokens moves on in any log."""
_MOVES_ON = ("epoch", "time", "date", "checkpoint", "ckpt", "elapsed", "iter")
Row = dict[str, str]


def sniff(file: LogFile) -> float:
    """By a header (or keys) with something measured and something that differs, and no step that moves on."""
    suffix = file.path.suffix.lower()
    if suffix not in _TABLES | _LINES or file.is_binary or len(file.head) >= 65_536:
        return 0.0
    rows = [row for _, row in _rows(file.head_text, suffix)]
    if len(rows) < 2 or len(rows) > MOST_ROWS or not _is_result_table(rows):
        return 0.0
    return 0.97 if suffix in _TABLES - {".log", ".txt"} or suffix in _LINES else 0.6


def read(file: LogFile) -> list[Fragment]:
    """Read every row as settings and values; cells that are neither are left out.

    Raises:
        ReadError: If the file cannot be read.
    """
    fragment = Fragment(file=file.name, reader="result_table")
    for number, row in _rows(file.text(), file.path.suffix.lower()):
        settings = tuple(
            (redact(name), redact(cell)) for name, cell in row.items() if cell and not _is_value(name, cell)
        )
        values = tuple((redact(name), float(cell)) for name, cell in row.items() if cell and _is_value(name, cell))
        if values:
            fragment.results.append(Result(settings, values, file.source(number)))
        else:
            file.count_damage("row without anything measured", number)
    return [fragment]


def _rows(text: str, suffix: str) -> Iterator[tuple[int, Row]]:
    """Lines with their cells by column."""
    lines = [(number, line) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1) if line.strip()]
    if suffix in _LINES:
        for number, line in lines:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict) and all(isinstance(value, (str, int, float)) for value in row.values()):
                yield number, {str(key): str(value) for key, value in row.items()}
        return
    if not lines:
        return
    head = lines[0][1]
    separator = max(SEPARATORS, key=head.count)
    header = split_row(head.strip().strip("|"), separator)
    for number, line in lines[1:]:
        cells = split_row(line.strip().strip("|"), separator)
        if len(cells) == len(header) > 1 and not set(line) <= set("|-:+ \t"):
            yield number, dict(zip(header, cells, strict=True))


def _is_result_table(rows: list[Row]) -> bool:
    names = list(rows[0])
    if any(list(row) != names for row in rows) or any(len(cell.split()) > 6 for row in rows for cell in row.values()):
        return False
    measured = [name for name in names if _is_measured(name, [row[name] for row in rows])]
    if any(_moves_on(name) and len({row[name] for row in rows}) > 1 for name in names):
        return False
    if any(is_phase_name(name) and any(is_evaluation(row[name]) for row in rows) for name in names):
        return False
    settings = [name for name in names if name not in measured and _is_setting(name, [row[name] for row in rows])]
    different = len({tuple(row[name] for name in settings) for row in rows}) == len(rows)
    return bool(settings and different and any(map(_is_metric, measured)))


def _is_measured(name: str, cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell.strip().lower() not in NOT_LOGGED]
    return bool(filled) and all(_is_value(name, cell) for cell in filled)


def _moves_on(name: str) -> bool:
    return is_step_name(name) or any(word in name.lower() for word in _MOVES_ON)


def _is_setting(name: str, cells: list[str]) -> bool:
    """Whether a column names what rows differ in: words, or a number that no log counts up."""
    return kind_of(cells) == "text" or any(word in name.lower() for word in _COUNTED)


def _is_metric(name: str) -> bool:
    return any(word in name.lower() for word in _MEASURED)


def _is_value(name: str, cell: str) -> bool:
    """Whether a cell holds something measured and no setting."""
    if not is_number(cell) or cell.lower() in {"true", "false"}:
        return False
    return _is_metric(name) or not any(word in name.lower() for word in (*_SETTINGS.split(), *_ACCUMULATION))


READER = Reader(
    name="result_table",
    title="Tables of results by setting (CSV, JSON lines)",
    recognised_by="a column that names something measured, columns in which all rows differ, and no step that moves on",
    delivers="the settings of each row, and what was measured under them",
    limits=f"at most {MOST_ROWS:,} rows in less than 64 KiB; settings whose names we do not know must be text",
    sniff=sniff,
    read=read,
)
