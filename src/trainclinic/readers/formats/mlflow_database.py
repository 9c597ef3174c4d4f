"""MLflow's database (`mlflow.db`): every run with its metrics, parameters and how it ended.

It asks for columns by name, as the schema grows with every version. Nothing is migrated and nothing is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.binary.database import columns_of, open_database, tables_of
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import MAX_SETTINGS
from trainclinic.readers.tables.tracked import Tracked, tracked_fragment
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Event

if TYPE_CHECKING:
    import sqlite3

    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

MAX_RUNS = 1_000
MAX_METRICS = 5_000
_LARGEST = 1.797e308
"""MLflow stores infinities as the largest doubles, 1.797...e308, and NaN as 0.0 with a flag."""
_ENDS = {"FAILED": "exception", "KILLED": "interrupted"}


def sniff(file: LogFile) -> float:
    """By SQLite's first bytes and MLflow's tables."""
    return 0.98 if {"metrics", "params", "runs", "experiments"} <= tables_of(file) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every run that was not deleted; a run without metrics gives its parameters.

    Raises:
        ReadError: If the file is no database of MLflow, or no run in it logged anything.
    """
    with open_database(file) as connection:
        if not {"key", "value", "step", "run_uuid"} <= columns_of(connection, "metrics"):
            message = f"`{file.name}` is a database without MLflow's table of metrics"
            raise ReadError(message, hint="export the run as CSV or JSON lines, or give the console log")
        runs = _runs(connection, file)
        fragments = [_fragment(connection, file, *run) for run in runs]
    fragments = [fragment for fragment in fragments if not fragment.is_empty]
    if not fragments:
        message = f"`{file.name}` holds no run with metrics or parameters"
        raise ReadError(message, hint="the runs may have stopped before they logged anything")
    if len(fragments) == 1:
        fragments[0].label = ""
    return fragments


def _runs(connection: sqlite3.Connection, file: LogFile) -> list[tuple[str, str, str]]:
    """Id, label and status of every run; runs of one name are told apart by the start of their id."""
    known = columns_of(connection, "runs")
    chosen = ", ".join(name if name in known else f"'' AS {name}" for name in ("run_uuid", "name", "status"))
    kept = "WHERE lifecycle_stage <> 'deleted'" if "lifecycle_stage" in known else ""
    found = connection.execute(f"SELECT {chosen} FROM runs {kept} ORDER BY rowid LIMIT {MAX_RUNS + 1}").fetchall()
    if len(found) > MAX_RUNS:
        file.count_damage(f"run beyond the first {MAX_RUNS:,} was not read")
    rows = [(str(run), str(name or run), str(status or "")) for run, name, status in found[:MAX_RUNS]]
    names = [name for _, name, _ in rows]
    return [(run, name if names.count(name) == 1 else f"{name} {run[:8]}", status) for run, name, status in rows]


def _fragment(connection: sqlite3.Connection, file: LogFile, run: str, label: str, status: str) -> Fragment:
    where = "FROM metrics WHERE run_uuid = ?"
    keys = connection.execute(f"SELECT key, MIN(rowid) {where} GROUP BY key ORDER BY 2 LIMIT {MAX_METRICS}", (run,))
    is_nan, stamp = (name if name in columns_of(connection, "metrics") else "NULL" for name in ("is_nan", "timestamp"))
    query = f"SELECT step, value, {is_nan}, {stamp}, rowid {where} AND key = ? AND value IS NOT NULL ORDER BY rowid"
    metrics = {str(key): _tracked(connection.execute(query, (run, key)).fetchall()) for key, _ in keys.fetchall()}
    fragment = tracked_fragment(file, "mlflow_database", metrics)
    fragment.label = label
    pairs: list[tuple[str, Any, int | None]] = []
    if columns_of(connection, "params") >= {"key", "value", "run_uuid"}:
        chosen = f"SELECT key, value, rowid FROM params WHERE run_uuid = ? ORDER BY rowid LIMIT {MAX_SETTINGS}"
        pairs = connection.execute(chosen, (run,)).fetchall()
    settings = facts_from_settings(((str(name), value, row) for name, value, row in pairs), "config", file)
    fragment.facts += settings.facts
    fragment.other_facts += settings.other_facts
    fragment.versions += settings.versions
    if status in _ENDS:
        says = f"MLflow's status of the run is {status}"
        fragment.events.append(Event(_ENDS[status], says, file.source(None, "status")))
    return fragment


def _tracked(rows: list[tuple[Any, ...]]) -> Tracked:
    """One metric from step, value, flag of NaN, milliseconds and row number; text that is no number has no row."""
    try:
        table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    except (ValueError, TypeError):
        table = np.array([row for row in rows if _is_numeric(row)], dtype=np.float64).reshape(-1, 5)
    step, value, flag, stamp, place = table.T
    sound = np.isfinite(step) & (np.abs(step) < 2.0**53)
    value = np.where(np.abs(value) >= _LARGEST, np.copysign(np.inf, value), value)
    value = np.where(flag == 1, np.nan, value)
    return Tracked(step[sound].astype(np.int64), value[sound], stamp[sound] / 1000, place[sound].astype(np.int64))


def _is_numeric(row: tuple[Any, ...]) -> bool:
    return all(isinstance(cell, (int, float)) or cell is None for cell in row) and row[0] is not None


READER = Reader(
    name="mlflow_database",
    title="MLflow database (`mlflow.db`, SQLite)",
    recognised_by="SQLite's first bytes and MLflow's tables",
    delivers="every run's metrics by step with wall clock and row number; parameters as facts; runs that failed or "
    "were killed; NaN and infinity as they were logged",
    limits="deleted runs are left out; at most 1,000 runs; the file is opened read-only and never migrated",
    sniff=sniff,
    read=read,
)
