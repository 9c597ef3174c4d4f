"""JSON lines: LLaMA-Factory `trainer_log.jsonl`, `metrics.jsonl` and every log with one object per line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.blocks import Block, text_blocks
from trainclinic.readers.reader import Reader
from trainclinic.readers.tables.column_names import SERIES_NAMES, is_step_name, meanings_of
from trainclinic.readers.tables.json_table import JsonTable, flattened
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_SUFFIXES = {".jsonl", ".ndjson", ".json", ".log", ".txt", ""}
_SNIFFED_LINES = 40
_SAMPLED_LINES = 200
_BARE = re.compile(r"(?<=[:\s,\[])(-?)(nan|inf|None)(?=\s*[,}\]])")
_ERRORS = (ValueError, RecursionError)


def sniff(file: LogFile) -> float:
    """By lines that are objects with a numeric value under the name of a training quantity."""
    suffix = file.path.suffix.lower()
    if suffix not in _SUFFIXES or file.is_binary or not file.head_text.lstrip("\ufeff \r\n").startswith("{"):
        return 0.0
    lines = [line for line in file.head_text.splitlines()[:_SNIFFED_LINES] if line.strip()]
    objects = [flattened(row) for line in lines if (row := _parsed(line)) is not None]
    single = suffix == ".json" and len(objects) < 2
    if not objects or single or len(objects) * 2 < len(lines):
        return 0.0
    numeric = list(dict.fromkeys(key for row in objects for key, value in row.items() if _is_number(value)))
    known = {meaning.name for meaning in meanings_of(numeric)} & SERIES_NAMES
    if known - {"train/epoch"}:
        return 0.95 if suffix in {".jsonl", ".ndjson"} else 0.9
    by_step = any(map(is_step_name, numeric)) and len(numeric) > 1
    return 0.5 if by_step and suffix in {".jsonl", ".ndjson"} and not _is_prose(objects) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every numeric value; lines that are no object are counted.

    Raises:
        ReadError: If no line holds an object with a number.
    """
    table = JsonTable(file, "json_lines")
    for number, block in enumerate(text_blocks(file)):
        if number == 0:
            sample = [_parsed(line, keep_text=True) for line in block.text.split("\n", _SAMPLED_LINES)[:_SAMPLED_LINES]]
            table.sample_digits([row for row in sample if row is not None])
        _take(table, file, block)
    fragments = table.fragments()
    if not fragments:
        message = f"`{file.name}` has no line with a JSON object that holds a number"
        raise ReadError(message, hint="the run may have stopped before it logged anything")
    return fragments


def _take(table: JsonTable, file: LogFile, block: Block) -> None:
    """Parse all lines of a block at once, or one by one where that does not work."""
    lines = block.text.split("\n")
    try:
        rows = json.loads("[" + ",".join(lines) + "]")
    except _ERRORS:
        rows = []
    if len(rows) == len(lines) and set(map(type, rows)) == {dict} and block.text.count('":') == sum(map(len, rows)):
        flat = block.text.count("{") == len(rows)
        table.add(rows, np.arange(block.first_line, block.first_line + len(rows)), flat=flat)
        return
    kept: list[dict[str, Any]] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, start=block.first_line):
        text = line.strip("\ufeff\r\t ,")
        if not text or text in "[]":
            continue
        row = _parsed(text, count_on=(file, number))
        if row is None:
            last = block.is_cut and number == block.first_line + len(lines) - 1
            file.count_damage("truncated last line" if last else "line that is not a JSON object", number)
        else:
            kept.append(row)
            numbers.append(number)
    if kept:
        table.add(kept, np.asarray(numbers, np.int64))


def _parsed(
    line: str, *, keep_text: bool = False, count_on: tuple[LogFile, int] | None = None
) -> dict[str, Any] | None:
    """One line as an object, also when it writes `nan` and `None` as Python does; `None` when it is no object.

    Args:
        line: The line.
        keep_text: Leave numbers as text, to see their digits.
        count_on: File and line number on which a key that is given twice is counted.
    """
    hooks: dict[str, Any] = {"parse_float": str, "parse_int": str} if keep_text else {}
    if count_on is not None:
        hooks["object_pairs_hook"] = lambda pairs: _object(pairs, count_on)
    for text in (line, _BARE.sub(_as_json, line)):
        try:
            row = json.loads(text.strip("\ufeff\r\t ,"), **hooks)
        except _ERRORS:
            continue
        return row if isinstance(row, dict) else None
    return None


def _object(pairs: list[tuple[str, Any]], place: tuple[LogFile, int]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        place[0].count_damage("row with a key given twice (the last value was kept)", place[1])
    return row


def _as_json(found: re.Match[str]) -> str:
    return found[1] + {"nan": "NaN", "inf": "Infinity", "None": "null"}[found[2]]


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_prose(objects: list[dict[str, Any]]) -> bool:
    """Whether rows hold sentences or lists, as training data and samples do."""
    values = [value for row in objects for value in row.values()]
    return any(isinstance(value, list) or (isinstance(value, str) and len(value.split()) > 3) for value in values)


READER = Reader(
    name="json_lines",
    title="JSON lines of metrics (LLaMA-Factory `trainer_log.jsonl`, `metrics.jsonl`)",
    recognised_by="lines that are objects with a number under the name of a training quantity",
    delivers="every numeric value by step, epoch or row; planned steps; totals of a summary row; runs by a run key",
    limits="text values other than durations and dates are left out",
    sniff=sniff,
    read=read,
)
