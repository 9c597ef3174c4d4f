"""Hugging Face `trainer_state.json`: the `log_history` of a Trainer, and a few settings of the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trainclinic.readers.column_names import canonical_name
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile


def sniff(file: LogFile) -> float:
    """Certain by the `log_history` key, likely by the file name."""
    if b'"log_history"' in file.head:
        return 1.0
    return 0.9 if file.path.name == "trainer_state.json" else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read `log_history` into columns.

    Raises:
        ReadError: If the file is not JSON or has no `log_history` list.
    """
    try:
        state: Any = json.loads(file.text())
        history = state["log_history"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"`{file.name}` is not a trainer_state.json: {error!r}"
        raise ReadError(message, hint="expected a JSON object with a `log_history` list") from error
    fragment = Fragment(file=file.name, reader="hf_trainer_state")
    for row in history:
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            file.count_damage("row of `log_history` without an integer `step`")
            continue
        for key, value in row.items():
            if key != "step" and isinstance(value, (int, float)):
                fragment.column(canonical_name(key)).add(row["step"], float(value), 0)
    return [fragment]


READER = Reader(
    name="hf_trainer_state",
    title="Hugging Face trainer_state.json",
    recognised_by="the `log_history` key",
    delivers="every logged column by step; planned steps and epochs, batch size, logging interval",
    limits="no accumulation, schedule or precision: they are not in the file",
    sniff=sniff,
    read=read,
)
