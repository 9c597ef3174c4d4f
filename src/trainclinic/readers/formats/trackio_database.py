"""trackio's database (`<project>.db`): every run with its metrics and configuration.

Columns are asked for by name, because they change between versions. Alerts, traces and system metrics are not read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.binary.database import columns_of, open_database, tables_of
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import flat_settings
from trainclinic.readers.tables.json_table import JsonTable
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from trainclinic.readers.file import LogFile

MAX_RUNS = 1_000
_BATCH = 50_000


def sniff(file: LogFile) -> float:
    """By SQLite's first bytes and trackio's tables of metrics and configurations."""
    tables = tables_of(file)
    return 0.97 if {"metrics", "system_metrics"} <= tables and "params" not in tables else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every run; the text `"NaN"`, with which trackio stores NaN, is NaN again.

    Raises:
        ReadError: If the file is no database of trackio, or no run in it logged anything.
    """
    with open_database(file) as connection:
        known = columns_of(connection, "metrics")
        if not {"run_name", "step", "metrics"} <= known:
            message = f"`{file.name}` is a database without trackio's table of metrics"
            raise ReadError(message, hint="export the run as CSV or JSON lines, or give the console log")
        key = "run_id" if "run_id" in known else "run_name"
        query = f"SELECT {key}, MAX(run_name) FROM metrics GROUP BY {key} ORDER BY MIN(rowid) LIMIT {MAX_RUNS + 1}"
        runs = connection.execute(query).fetchall()
        if len(runs) > MAX_RUNS:
            file.count_damage(f"run beyond the first {MAX_RUNS:,} was not read")
        names = [str(name) for _, name in runs]
        fragments = [
            fragment
            for run, name in runs[:MAX_RUNS]
            for fragment in _fragments(connection, file, key, run)
            if _labelled(fragment, str(name) if names.count(str(name)) == 1 else f"{name} {str(run)[:8]}")
        ]
    if not fragments:
        message = f"`{file.name}` holds no run with metrics"
        raise ReadError(message, hint="the runs may have stopped before they logged anything")
    if len(fragments) == 1:
        fragments[0].label = ""
    return fragments


def _labelled(fragment: Fragment, label: str) -> bool:
    fragment.label = label
    return not fragment.is_empty


def _fragments(connection: sqlite3.Connection, file: LogFile, key: str, run: Any) -> list[Fragment]:
    """The rows of one run as a table, and its configuration."""
    table = JsonTable(file, "trackio_database")
    stamp = "timestamp" if "timestamp" in columns_of(connection, "metrics") else "NULL"
    found = connection.execute(
        f"SELECT rowid, step, {stamp}, metrics FROM metrics WHERE {key} = ? ORDER BY rowid", (run,)
    )
    while batch := found.fetchmany(_BATCH):
        rows, numbers = [], []
        for number, row in _rows(file, batch):
            rows.append(row)
            numbers.append(number)
        table.add(rows, np.array(numbers, np.int64), flat=_is_flat(batch))
    fragments = table.fragments()
    columns = columns_of(connection, "configs")
    if {key, "config"} <= columns and fragments:
        for number, text in connection.execute(f"SELECT rowid, config FROM configs WHERE {key} = ?", (run,)):
            config = _object(text)
            if config is None:
                file.count_damage("configuration that is not a JSON object", number)
                continue
            plain = {name: value for name, value in config.items() if not name.startswith("_")}
            pairs = ((setting.name, setting.value, number) for setting in flat_settings(plain))
            settings = facts_from_settings(pairs, "config", file)
            fragments[0].facts += settings.facts
            fragments[0].other_facts += settings.other_facts
            fragments[0].versions += settings.versions
    return fragments


def _rows(file: LogFile, batch: list[tuple[Any, ...]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row numbers and metrics with their step and time; parsed at once, or one by one where that does not work."""
    texts = [cell[3].decode("utf-8", "replace") if isinstance(cell[3], bytes) else str(cell[3]) for cell in batch]
    try:
        parsed: list[Any] = json.loads("[" + ",".join(texts) + "]")
    except (ValueError, RecursionError):
        parsed = []
    if len(parsed) != len(batch):
        parsed = [_object(text) for text in texts]
    clock = _clock([cell[2] for cell in batch])
    for (number, step, _, _), stamp, row in zip(batch, clock, parsed, strict=True):
        if not isinstance(row, dict):
            file.count_damage("row that is not a JSON object", number)
            continue
        row["step"], row["timestamp"] = step, stamp
        yield number, row


def _is_flat(batch: list[tuple[Any, ...]]) -> bool:
    """Whether each row is one object that holds no other."""
    braces = 0
    for *_, text in batch:
        braces += text.count(b"{") if isinstance(text, bytes) else str(text).count("{")
    return braces <= len(batch)


def _clock(stamps: list[Any]) -> list[Any]:
    """Seconds since 1970 of dates that are all in universal time, as trackio writes them; others stay as they are."""
    try:
        if not all(stamp.endswith("+00:00") for stamp in stamps):
            return stamps
        moments = np.array([stamp[:-6] for stamp in stamps], dtype="datetime64[us]")
    except (ValueError, AttributeError):
        return stamps
    seconds: list[float] = (moments.astype(np.int64) / 1e6).tolist()
    return seconds


def _object(text: Any) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


READER = Reader(
    name="trackio_database",
    title="trackio database (`<project>.db`, SQLite)",
    recognised_by="SQLite's first bytes and trackio's tables",
    delivers="every run's metrics by step with wall clock and row number; its configuration as facts; NaN and infinity",
    limits="alerts, traces and system metrics are left out; at most 1,000 runs; the file is opened read-only",
    sniff=sniff,
    read=read,
)
