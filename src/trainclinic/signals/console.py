"""Whether the files of a run include the text that the program printed.

A warning or a traceback can only be found to be missing where messages would have been recorded: a table of metrics or
a `trainer_state.json` holds none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.record.run import RunRecord

TEXT_FILES = (".log", ".txt", ".out", ".err", ".stdout", ".stderr")
TABLE_FORMATS = ("hf_trainer_state", "delimited_table", "json_lines", "json_history")


def has_console(record: RunRecord) -> bool:
    """Whether printed messages of the run were read."""
    if record.events:
        return True
    return record.log_format not in TABLE_FORMATS and any(name.lower().endswith(TEXT_FILES) for name in record.files)
