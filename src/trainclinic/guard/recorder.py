"""The flight recorder: one JSON object a line, in a file that a kill at any moment leaves readable.

It writes what it is given. It does not know what the values mean, and only the first process of a run writes.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

FORMAT = "trainclinic.flight.v1"
FILE_NAME = "flight.jsonl"


class FlightRecorder:
    """Appends lines to `flight.jsonl`, each with one `write` of the operating system.

    Args:
        folder: Where the file lies; made when it is missing.
        writes: Whether this process is the one that writes; all others only count.

    Raises:
        OSError: If the folder or the file cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str], *, writes: bool = True) -> None:
        self.path = Path(folder) / FILE_NAME
        self._head: dict[str, object] | None = None
        self._file: int | None = None
        self._torn = False  # a full disk has taken half a line
        if writes:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
            self._end_torn_line(self._file)

    @property
    def writes(self) -> bool:
        """Whether this process writes: it is the first one, and the file is open."""
        return self._file is not None

    def head(self, facts: Mapping[str, object]) -> None:
        """Say what is known about the run; the line is written before the next one.

        Args:
            facts: Values by name of the vocabulary; what has no name there keeps its own.
        """
        known = {name: value for name, value in facts.items() if value is not None}
        self._head = {
            "format": FORMAT,
            "time": round(time.time(), 3),
            "trainclinic": version("trainclinic"),
            "facts": known,
        }

    def write(self, kind: str, values: Mapping[str, object]) -> None:
        """Append one line.

        Args:
            kind: What the line tells: `step`, `alarm`, `checkpoint` ...
            values: The rest of it; `None` leaves a key out, NaN and infinities become text.

        Raises:
            OSError: If the disk refuses.
        """
        if self._head is not None:
            head, self._head = self._head, None
            self.write("head", head)
        if self._file is None:
            return
        row = {"kind": kind, **{key: _plain(value) for key, value in values.items() if value is not None}}
        line = (json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n").encode("utf-8", "replace")
        begin = b"\n" if self._torn else b""
        written = os.write(self._file, begin + line)
        self._torn = written < len(begin + line)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @staticmethod
    def _end_torn_line(file: int) -> None:
        """A killed process may have left half a line: begin on a new one, so that only that half is lost."""
        size = os.fstat(file).st_size
        if size == 0:
            return
        os.lseek(file, size - 1, os.SEEK_SET)
        if os.read(file, 1) != b"\n":
            os.write(file, b"\n")


def _plain(value: object) -> object:
    """A value as strict JSON has it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
