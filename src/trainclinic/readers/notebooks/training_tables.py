"""Tables that training callbacks draw below a cell: Hugging Face, unsloth, fastai.

The table of the Hugging Face callback shows at each evaluation the training loss that was logged last, again and again
when none was logged since; a value that is repeated to its last digit is therefore kept once. Which columns of a table
are measured on held-out rows is told by the spelling of its head.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.redact import redact
from trainclinic.readers.tables.column_names import canonical_name, is_epoch_name, is_step_name, seconds_of
from trainclinic.readers.tables.number_columns import NOT_LOGGED, printed_like
from trainclinic.readers.tables.table import Table, fragments_of
from trainclinic.record.facts import Fact
from trainclinic.record.series import Printed
from trainclinic.record.vocabulary import SERIES

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment
    from trainclinic.readers.notebooks.html_tables import HtmlTable

_NOT_SHOWN = NOT_LOGGED | {"no log", "#na#"}
_PROGRESS = re.compile(
    r"\[\s*(?P<now>\d{1,12})/(?P<total>\d{1,12}) (?P<elapsed>(?:\d+ days?, )?[\d:]+)"
    r"(?: < [^,\]]*)?(?:,[^,\]]*)?, Epoch [\d.]+/(?P<epochs>\d{1,9})\]"
)
_PADDED = re.compile(r"-?\d+\.\d{4}00")
"""Transformers 4 rounds a loss to four decimals before its callback prints six."""


def is_training_table(table: HtmlTable) -> bool:
    """Whether the first column counts steps or epochs and another one holds a known quantity of a training."""
    head = table.head
    if len(head) < 2 or not (is_step_name(head[0]) or is_epoch_name(head[0])):
        return False
    return any(canonical_name(_plain(name)) in SERIES and not is_epoch_name(name) for name in head[1:])


def without_redrawn(tables: list[tuple[int, HtmlTable]]) -> list[tuple[int, HtmlTable]]:
    """Tables without those that another one begins with: a table that is drawn anew while it grows is one table."""
    kept: list[tuple[int, HtmlTable]] = []
    for line, table in sorted(tables, key=lambda pair: -len(pair[1].rows)):
        size = len(table.rows)
        if not any(table.head == other.head and table.rows == other.rows[:size] for _, other in kept):
            kept.append((line, table))
    return sorted(kept, key=lambda pair: pair[0])


def table_fragments(file: LogFile, reader: str, first: int, table: HtmlTable) -> list[Fragment]:
    """The fragment of a training table, if it holds any number.

    Args:
        file: The outputs of the cell; damage is counted on it.
        reader: Name of the reader.
        first: Line of the table's head.
        table: The table.
    """
    lines = np.arange(first + 1, first + 1 + len(table.rows), dtype=np.int64)
    numbers = Table(file, reader, lines)
    names = _names(table.head)
    for at, name in enumerate(names):
        texts = [row[at] if at < len(row) else "" for row in table.rows]
        rows, values = _numbers(file, texts, first)
        if name == "Training Loss" and "Validation Loss" in names:
            rows, values = _once(file, texts, rows, values, first)
        if rows:
            numbers.add(name, np.asarray(rows, np.int64), np.asarray(values))
            numbers.printed[name] = _printed([texts[row] for row in rows], name)
    fragments = fragments_of(numbers)
    for fragment in fragments:
        _add_progress(fragment, file, first, table.before)
    return fragments


def _plain(name: str) -> str:
    """A column's name as it was logged: tables of unsloth put blanks around each `/`."""
    return re.sub(r"\s*/\s*", "/", name)


def _names(head: list[str]) -> list[str]:
    """Names of the columns, with what says that they are measured on held-out rows."""
    plain = [redact(_plain(name)) for name in head]
    lowered = [name.lower() for name in plain]
    is_hugging_face = "Training Loss" in plain and "Validation Loss" in plain
    is_fastai = lowered[0] == "epoch" and "train_loss" in lowered and "valid_loss" in lowered
    names = []
    for at, name in enumerate(plain):
        is_own = at == 0 or lowered[at] in {"training loss", "train_loss", "time"} or lowered[at].startswith("val")
        of_evaluation = (is_hugging_face and name[:1].isupper()) or is_fastai
        if is_fastai and name == "time":
            name = "seconds_per_epoch"  # noqa: PLW2901 (a name that says what it is)
        names.append(f"eval_{name.replace(' ', '_').lower()}" if of_evaluation and not is_own else name)
    return [name if names.index(name) == at else f"{name} ({at + 1})" for at, name in enumerate(names)]


def _numbers(file: LogFile, texts: list[str], first: int) -> tuple[list[int], list[float]]:
    """Rows that hold a number, and the numbers; durations in seconds."""
    rows: list[int] = []
    values: list[float] = []
    for row, text in enumerate(texts):
        if text.strip().lower() in _NOT_SHOWN:
            continue
        value = _number(text)
        if value is None:
            file.count_damage("cell of a table that cannot be read as a number", first + 1 + row)
        else:
            rows.append(row)
            values.append(value)
    return rows, values


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return seconds_of(text)


def _once(
    file: LogFile, texts: list[str], rows: list[int], values: list[float], first: int
) -> tuple[list[int], list[float]]:
    kept = [
        at for at, row in enumerate(rows) if at == 0 or texts[row] != texts[rows[at - 1]] or values[at] != values[at]
    ]
    if repeated := len(rows) - len(kept):
        says = "training loss shown again at an evaluation, kept where it was shown first"
        line = next(first + 1 + row for at, row in enumerate(rows) if at not in set(kept))
        file.count_damage(says, line, count=repeated)
    return [rows[at] for at in kept], [values[at] for at in kept]


def _printed(texts: list[str], name: str) -> Printed:
    if canonical_name(name) == "train/loss" and all(_PADDED.fullmatch(text) for text in texts):
        return Printed("fixed", 4)
    return printed_like(texts, name)


def _add_progress(fragment: Fragment, file: LogFile, line: int, before: str) -> None:
    """What the progress line above a table says: how far the run came, and how far it was to go."""
    found = _PROGRESS.search(before)
    if found is None:
        return
    source = file.source(line)
    named = {"planned_steps": "total", "planned_epochs": "epochs", "final_step": "now"}
    for fact, group in named.items():
        value = _number(found[group])
        if value is not None:
            fragment.facts.append(Fact(fact, value, source, "log"))
    seconds = seconds_of(found["elapsed"].replace(" days,", "d").replace(" day,", "d"))
    if seconds is not None and fragment.axis == "step":
        fragment.column("time/elapsed").add(int(found["now"]), seconds, line)
