"""A history as one JSON value: a dictionary of lists (Keras), a list of rows, or the results of one evaluation."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.tables.column_names import SERIES_NAMES, is_step_name, meanings_of
from trainclinic.readers.tables.json_table import JsonTable, flattened
from trainclinic.readers.tables.number_columns import as_number
from trainclinic.readers.tables.summary_rows import summary_facts
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainclinic.readers.file import LogFile

_HISTORY_KEYS = ("history", "log_history", "logs", "metrics", "log", "records", "train_history", "training_history")
_RESULTS = re.compile(r"(all|train|eval|test|predict)_results?\.json|.*(eval|metrics|results?)(_\w+)?\.json", re.I)
_PASTED = re.compile(r'[\[{]|[\]}],?|"[^"\n]{1,80}"\s*:\s*("[^"\n]*"|[-\w.+]+),?')
_PASTED_SUFFIXES = {".txt", ".log", ".out", ""}
_QUANTITY = re.compile(r'"([^"\n]{1,80})"\s*:\s*\[?\s*"?-?(?:\d|NaN|Infinity|nan)')


def sniff(file: LogFile) -> float:
    """By numbers under the names of training quantities, in one JSON value that is no configuration."""
    if file.is_binary or b'"log_history"' in file.head:
        return 0.0
    text = file.head_text.lstrip("\ufeff \r\n\t")
    if not text.startswith(("{", "[")):
        return 0.0
    if file.path.suffix.lower() != ".json" and not _is_pasted(file, text):
        return 0.0
    quantities = list(dict.fromkeys(_QUANTITY.findall(text)))
    known = {meaning.name for meaning in meanings_of(quantities)} & SERIES_NAMES - {
        "train/epoch",
        "train/learning_rate",
    }
    if known and (re.search(r'"\s*:\s*\[\s*"?-?[\dN]', text) or text.startswith("[")):
        return 0.85
    if _RESULTS.fullmatch(file.path.name) and file.size < 1_000_000 and quantities:
        return 0.8 if known or "_results" in file.path.name else 0.4
    return 0.7 if known and any(is_step_name(name) for name in quantities) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read a history into columns, or the results of one evaluation into facts and a series of one row.

    Raises:
        ReadError: If the file is not JSON or holds no numbers.
    """
    text = file.text()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        value, text = _rows_pasted(text)
        if value is None:
            raise _incomplete(file, error) from error
    rows = _rows_of(value)
    fragments = []
    if rows:
        table = JsonTable(file, "json_history")
        table.sample_digits(_rows_of(json.loads(text, parse_float=str, parse_int=str)))
        table.add(rows, np.zeros(len(rows), np.int64))
        fragments = table.fragments()
    if not fragments and isinstance(value, dict):
        fragments = [fragment for fragment in [_results(file, value)] if not fragment.is_empty]
    if not fragments:
        message = f"`{file.name}` holds no history of numbers"
        raise ReadError(message, hint="expected lists of numbers by name, or a list of rows")
    return fragments


def _is_pasted(file: LogFile, text: str) -> bool:
    """Whether a text file is rows that were cut out of a JSON file: keys and brackets, each on a line of its own."""
    if file.path.suffix.lower() not in _PASTED_SUFFIXES:
        return False
    lines = [line.strip() for line in text.splitlines()]
    whole = lines if file.size <= len(file.head) else lines[:-1]
    return len(lines) > 2 and all(not line or _PASTED.fullmatch(line) for line in whole)


def _rows_pasted(text: str) -> tuple[list[Any] | None, str]:
    """Objects in a row, with or without commas between them, and the array that they were cut out of."""
    inside = re.sub(r"\}[\s,]*\{", "},{", text.strip("\ufeff \r\n\t,"))
    try:
        return json.loads(f"[{inside}]"), f"[{inside}]"
    except (ValueError, RecursionError):
        return None, text


def _incomplete(file: LogFile, error: Exception) -> ReadError:
    message = f"`{file.name}` is not complete JSON: {str(error)[:120]}"
    return ReadError(message, hint="the file may be cut off: look for an older copy")


def _rows_of(value: Any) -> list[dict[str, Any]]:
    """The rows of a history in any of its shapes; empty when the value is none."""
    if isinstance(value, list):
        return [row for row in value if isinstance(row, dict)]
    if not isinstance(value, dict):
        return []
    for key in _HISTORY_KEYS:
        if isinstance(value.get(key), (list, dict)) and (rows := _rows_of(value[key])):
            return rows
    columns = {key: column for key, column in flattened(value).items() if _is_column(column)}
    if not columns:
        return []
    longest = max(map(len, columns.values()))
    return [{key: column[at] for key, column in columns.items() if at < len(column)} for at in range(longest)]


def _is_column(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(as_number(item) is not None for item in value[:50])


def _results(file: LogFile, value: dict[str, Any]) -> Fragment:
    """The results of one training or one evaluation: totals as facts, losses as a series of one row."""
    fragment = Fragment(file=file.name, reader="json_history", axis="row")
    text = file.text()
    flat = flattened(value)
    names = [key for key, item in flat.items() if as_number(item) is not None]
    meanings = dict(zip(names, meanings_of(names), strict=True))
    step = next((as_number(flat[key]) for key in names if is_step_name(key)), None)
    if step is not None and abs(step) < 2.0**53 and step == int(step):
        fragment.axis = "step"
    totals: list[tuple[str, Any, Any]] = []
    for name in names:
        line = line_of_key(text, name.rpartition("/")[2])
        number = as_number(flat[name])
        meaning = meanings[name]
        if number is None or is_step_name(name):
            continue
        if meaning.name.startswith("eval/"):
            column = fragment.column(meaning.name)
            column.add(int(step or 0) if fragment.axis == "step" else 1, number * meaning.factor, line)
            column.unit = meaning.unit
        elif name == "epoch":
            fragment.facts.append(Fact("final_epoch", number, file.source(line, name), "log"))
        else:
            totals.append((name, number, file.source(line, name)))
    facts, others = summary_facts(_finite(totals))
    fragment.facts += facts
    fragment.other_facts += others
    return fragment


def _finite(totals: Iterable[tuple[str, Any, Any]]) -> list[tuple[str, Any, Any]]:
    """Without huge values, which no fact can hold; a NaN total stays."""
    return [total for total in totals if not abs(total[1]) > 1e300]


def line_of_key(text: str, key: str) -> int:
    """The line on which a JSON key first stands, 0 when it is written in another way."""
    at = text.find(json.dumps(key, ensure_ascii=False) + ":")
    if at < 0:
        found = re.search(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:", text)
        at = found.start() if found else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else 0


READER = Reader(
    name="json_history",
    title="history.json, all_results.json, train_results.json, eval_results.json",
    recognised_by="numbers under the names of training quantities in one JSON value, or in rows cut out of one",
    delivers="series by step, epoch or row; totals of the run; one evaluation as a series of one row",
    limits="a history without a step column counts epochs or rows",
    sniff=sniff,
    read=read,
)
