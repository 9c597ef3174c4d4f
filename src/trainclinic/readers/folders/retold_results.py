"""Results that a trainer tells a second time when a run ends: `all_results.json`, and the table of its model card.

A result file names no step: alone it is all that is known of a run, beside a log its evaluation is the last one. A
model card repeats the last logged training loss at every evaluation: alone a coarse curve, beside a log at the wrong
steps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.record.facts import Fact
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.readers.folders.grouping import Part

_RESULTS = re.compile(r"(all|train|eval|test|predict)_results\.json", re.I)


def settle_retold_results(parts: list[Part]) -> None:
    """Fit result files and model cards to the log in their folder.

    Args:
        parts: Everything that was read, with arrays as columns; result files and cards are changed in place.
    """
    for part in parts:
        is_card = part.fragment.reader == "model_card"
        is_result = part.fragment.axis == "row" and bool(_RESULTS.fullmatch(part.fragment.file.rpartition("/")[2]))
        if not part.has_rows or not (is_card or is_result):
            continue
        logs = [other for other in parts if other is not part and other.home == part.home and _is_log(other)]
        if logs and is_card:
            part.fragment.columns.pop("train/loss", None)
        elif logs:
            _place_at_the_end(part, logs)


def _is_log(part: Part) -> bool:
    fragment = part.fragment
    return fragment.axis == "step" and "train/loss" in fragment.columns and fragment.reader != "model_card"


def _place_at_the_end(part: Part, logs: list[Part]) -> None:
    """Give the rows of a result file the last step of the log; a value that the log holds there becomes a fact."""
    fragment = part.fragment
    last = max(int(np.max(column.step)) for log in logs for column in log.fragment.columns.values())
    for name, column in list(fragment.columns.items()):
        logged = [log.fragment.columns[name] for log in logs if name in log.fragment.columns]
        if any(int(np.max(other.step)) == last for other in logged):
            source = Source(fragment.file, int(column.line[0]) or None, name)
            fragment.other_facts.append(Fact(name, float(column.value[0]), source, "log"))
            del fragment.columns[name]
        else:
            column.step = np.full(len(column.step), last, np.int64)  # type: ignore[assignment]
    fragment.axis = "step"
