"""SQLite databases of users, opened so that nothing in their folder changes, not even a side file.

`mode=ro` alone still makes a `-shm` file; `immutable=1` does not, but cannot see writes that wait in a `-wal` file.
Where such a file has content, database and waiting writes are copied to a temporary folder and read there.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote

from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

MAGIC = b"SQLite format 3\x00"
MAX_COPIED_BYTES = 2 * 1_073_741_824


@contextmanager
def open_database(file: LogFile) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write.

    Raises:
        ReadError: If the file is no database, is damaged, or lacks what is asked of it.
    """
    try:
        with (
            TemporaryDirectory(prefix="trainclinic-") as scratch,
            closing(sqlite3.connect(_uri(_readable(file, Path(scratch))), uri=True)) as connection,
        ):
            connection.execute("PRAGMA query_only = 1")
            connection.execute("PRAGMA trusted_schema = 0")
            connection.text_factory = partial(str, encoding="utf-8", errors="replace")
            yield connection
    except (sqlite3.Error, OverflowError, OSError) as error:
        message = f"`{file.name}` cannot be read as a database: {str(error)[:120]}"
        raise ReadError(message, hint="is the file complete? a copy made during training may be torn") from error


def tables_of(file: LogFile) -> set[str]:
    """Names of the tables of a database; none when the file is none or is damaged."""
    if not file.head.startswith(MAGIC):
        return set()
    try:
        with open_database(file) as connection:
            return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except ReadError:
        return set()


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Names of the columns of a table; none when there is no such table."""
    return {row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def _uri(path: Path) -> str:
    return f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"


def _readable(file: LogFile, scratch: Path) -> Path:
    """The database, or a copy that holds the waiting writes, too."""
    waiting = file.path.with_name(file.path.name + "-wal")
    if not waiting.is_file() or not waiting.stat().st_size:
        return file.path
    if file.size + waiting.stat().st_size > MAX_COPIED_BYTES:
        file.count_damage("the latest writes are in a `-wal` file too large to be copied, and were not read")
        return file.path
    copy = scratch / "copy.db"
    shutil.copyfile(file.path, copy)
    shutil.copyfile(waiting, scratch / "copy.db-wal")
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return copy
