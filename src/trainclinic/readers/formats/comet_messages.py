"""Comet's offline archive: the `messages.json` inside it, one message per line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import MAX_SETTINGS
from trainclinic.readers.tables.tracked import tracked_fragment
from trainclinic.readers.tables.tracked_rows import TrackedRows
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_OWN_NAMES = frozenset(("curr_step", "curr_epoch"))
"""What the SDK itself reports as parameters while a run goes on."""
_OWN_METRICS = ("sys.", "process duration")


def sniff(file: LogFile) -> float:
    """By messages with a `payload` and a `type` of Comet."""
    if file.path.suffix != ".json" or b'"payload"' not in file.head[:2_000]:
        return 0.0
    return (
        0.98 if any(kind in file.head for kind in (b"metric_msg", b"parameter_msg", b'"offline_experiment"')) else 0.0
    )


def read(file: LogFile) -> list[Fragment]:
    """Read metrics and parameters; the text `"NaN"`, with which Comet stores NaN, is NaN again.

    Raises:
        ReadError: If there is no metric and no parameter.
    """
    rows = TrackedRows()
    settings: dict[str, tuple[Any, int]] = {}
    for number, line in file.lines():
        if not line.strip():
            continue
        try:
            message = json.loads(line)
            payload = message["payload"]
            if message["type"] == "metric_msg":
                _take(payload, rows, number)
            elif message["type"] == "parameter_msg" and len(settings) < MAX_SETTINGS:
                name = str(payload["param"]["paramName"])
                if name not in _OWN_NAMES:
                    settings[name.replace("|", ".")] = (payload["param"]["paramValue"], number)
        except (ValueError, KeyError, TypeError, RecursionError):
            file.count_damage("line that is no message", number)
    fragment = tracked_fragment(file, READER.name, rows.metrics())
    found = facts_from_settings(((name, *pair) for name, pair in settings.items()), "config", file)
    fragment.facts += found.facts
    fragment.other_facts += found.other_facts
    fragment.versions += found.versions
    if fragment.is_empty:
        says = f"`{file.name}` holds no metric and no parameter"
        raise ReadError(says, hint="the run may have stopped before it logged anything")
    return [fragment]


def _take(payload: dict[str, Any], rows: TrackedRows, number: int) -> None:
    metric = payload["metric"]
    name = str(metric["metricName"])
    stamp = payload.get("local_timestamp")
    if not name.startswith(_OWN_METRICS):
        rows.add(name, metric.get("step"), metric["metricValue"], stamp / 1000 if stamp else None, number)


READER = Reader(
    name="comet_messages",
    title="Comet offline archives (`messages.json`)",
    recognised_by="messages with a `payload` and a `type`, one per line",
    delivers="every metric by step with wall clock and line; parameters as facts; NaN and infinity",
    limits="system metrics and the console are left out; written for comet_ml 3.58",
    sniff=sniff,
    read=read,
)
