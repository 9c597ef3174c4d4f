"""ClearML's offline session: `metrics.jsonl`, with `task.json` and `log.jsonl` beside it.

ClearML replaces NaN and infinity by 0.0 before it stores them, and says so in the console log alone, not for which
metric. Zeros of metrics that are hardly ever zero are then left out and counted: nobody knows what they were.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.file import LogFile
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.json_tree import json_object
from trainclinic.readers.settings.names import MAX_SETTINGS, Setting
from trainclinic.readers.tables.tracked import Tracked, tracked_fragment
from trainclinic.readers.tables.tracked_rows import TrackedRows
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.fragment import Fragment

_SCALAR = "training_stats_scalar"
_REPLACED = ("value encountered. Reporting it as '0.0'", 'value encountered. Reporting it as "0.0"')
_HARDLY_EVER = 0.5


def sniff(file: LogFile) -> float:
    """By lists of scalars with `metric` and `variant`, one list per line."""
    return 0.98 if file.head.lstrip().startswith(b"[{") and _SCALAR.encode() in file.head[:2_000] else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every scalar, and the settings of the task beside it.

    Raises:
        ReadError: If there is no scalar.
    """
    rows = TrackedRows()
    for number, line in _long_lines(file):
        if line.strip() and not _take(line, rows, number):
            file.count_damage("line that is no list of scalars", number)
    metrics = rows.metrics()
    if _has_replaced(file):
        metrics = {name: _without_zeros(file, tracked) for name, tracked in metrics.items()}
    fragment = tracked_fragment(file, READER.name, metrics)
    if fragment.is_empty:
        message = f"`{file.name}` holds no scalar"
        raise ReadError(message, hint="the run may have stopped before it logged anything")
    found = facts_from_settings(_settings(file), "config", file)
    fragment.facts += found.facts
    fragment.other_facts += found.other_facts
    fragment.versions += found.versions
    return [fragment]


def _long_lines(file: LogFile) -> Iterator[tuple[int, str]]:
    """Line numbers and lines of any length: a session that reports quickly writes megabytes into one."""
    number, pieces = 1, [""]
    for block in file.blocks():
        first, *others = block.split("\n")
        pieces.append(first)
        for line in others:
            yield number, "".join(pieces)
            number, pieces = number + 1, [line]
    yield number, "".join(pieces)


def _take(line: str, rows: TrackedRows, number: int) -> bool:
    """Add the scalars of one line, and say whether it held a list of them."""
    try:
        for scalar in json.loads(line):
            if scalar["type"] == _SCALAR:
                stamp = scalar.get("timestamp")
                rows.add(_name(scalar), scalar["iter"], scalar["value"], stamp / 1000 if stamp else None, number)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return False
    return True


def _name(scalar: dict[str, Any]) -> str:
    metric, variant = str(scalar["metric"]), str(scalar["variant"])
    return variant if metric == variant else f"{metric}/{variant}"


def _has_replaced(file: LogFile) -> bool:
    """Whether the console says that NaN or infinity was reported as 0.0."""
    beside = file.path.with_name("log.jsonl")
    if not beside.is_file():
        return False
    return any(words in line for _, line in LogFile(beside).lines() for words in _REPLACED)


def _without_zeros(file: LogFile, rows: Tracked) -> Tracked:
    zero = rows.value == 0
    if not zero.any() or zero.mean() > _HARDLY_EVER:
        return rows
    says = "zero that ClearML may have written for NaN or infinity, left out"
    file.count_damage(says, int(rows.place[np.argmax(zero)]), count=int(zero.sum()))
    return Tracked(rows.step[~zero], rows.value[~zero], rows.stamp[~zero], rows.place[~zero])


def _settings(file: LogFile) -> Iterator[Setting]:
    """Hyperparameters of `task.json`: by section, each with its value as text."""
    beside = file.path.with_name("task.json")
    if not beside.is_file():
        return
    try:
        sections = json_object(LogFile(beside)).get("hyperparams")
    except ReadError:
        file.count_damage("`task.json` beside it cannot be read")
        return
    entries = [entry for section in _values(sections) for entry in _values(section) if isinstance(entry, dict)]
    for entry in entries[:MAX_SETTINGS]:
        yield Setting(str(entry.get("name", "")).replace("/", "."), entry.get("value"))


def _values(tree: Any) -> list[Any]:
    return list(tree.values()) if isinstance(tree, dict) else []


READER = Reader(
    name="clearml_metrics",
    title="ClearML offline sessions (`metrics.jsonl`, `task.json`)",
    recognised_by="lists of scalars with `metric` and `variant`, one list per line",
    delivers="every scalar by iteration with wall clock and line; hyperparameters as facts",
    limits="ClearML stores NaN and infinity as 0.0: where `log.jsonl` says so, zeros are left out and counted",
    sniff=sniff,
    read=read,
)
