"""Metrics of a tracker, each with steps and times of its own, to a fragment.

It knows no store. Trackers stamp each value, so the wall clock comes along; one that was never told a step leaves rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.fragment import Column, Fragment
from trainclinic.readers.tables.column_names import ColumnMeaning, meanings_of
from trainclinic.readers.tables.summary_rows import summary_facts
from trainclinic.readers.tables.totals import totals_among
from trainclinic.record.series import Printed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.file import LogFile

_CLOCK = "time/stamp"


@dataclass(frozen=True, slots=True)
class Tracked:
    """The values of one metric in the order in which they were logged.

    Attributes:
        step: Steps, `[n]`.
        value: Values, `[n]`; NaN only where NaN was logged.
        stamp: Wall clock, seconds since 1970, `[n]`; NaN where it is not known.
        place: Line or record number, `[n]`.
        is_single: Whether the values were stored in single precision.
    """

    step: NDArray[np.int64]
    value: NDArray[np.float64]
    stamp: NDArray[np.float64]
    place: NDArray[np.int64]
    is_single: bool = False


def tracked_fragment(
    file: LogFile, reader: str, metrics: Mapping[str, Tracked], renamed: Callable[[str], str] = str
) -> Fragment:
    """One fragment: canonical columns, totals of a finished Trainer as facts, and the wall clock at each step.

    Args:
        file: Where the metrics were read, for sources.
        reader: Name of the reader.
        metrics: Values by metric.
        renamed: Name under which a metric is understood, by its own name.
    """
    return _filled(file, reader, metrics, renamed)[0]


def tracked_files(
    file: LogFile, reader: str, metrics: Mapping[str, Tracked], files: Mapping[str, str]
) -> list[Fragment]:
    """The same for metrics in files of their own: one fragment for each, so that sources name the right file.

    Args:
        file: The file that speaks for the run.
        reader: Name of the reader.
        metrics: Values by metric.
        files: File of each metric.
    """
    whole, origin = _filled(file, reader, metrics, str)
    fragments = {name: Fragment(name, reader, axis=whole.axis) for name in files.values()}
    for column, metric in origin.items():
        fragments[files[metric]].columns[column] = whole.columns.pop(column)
    return [whole, *(fragment for fragment in fragments.values() if fragment.columns)]


def _filled(
    file: LogFile, reader: str, metrics: Mapping[str, Tracked], renamed: Callable[[str], str]
) -> tuple[Fragment, dict[str, str]]:
    """The fragment, and the metric that each of its columns comes from."""
    fragment, origin = Fragment(file.name, reader), {}
    kept = {name: rows for name, rows in metrics.items() if rows.step.size}
    if kept and all(not rows.step.any() for rows in kept.values()) and max(r.step.size for r in kept.values()) > 1:
        fragment.axis = "row"
    totals = totals_among({name: rows.step.size for name, rows in kept.items()})
    fragment.facts, fragment.other_facts = summary_facts(
        (key, float(kept[name].value[-1]), file.source(int(kept[name].place[-1]) or None, name))
        for name, key in totals.items()
    )
    for name in totals:
        del kept[name]
    for name, meaning in zip(kept, meanings_of([renamed(name) for name in kept]), strict=True):
        fragment.columns[meaning.name] = _column(kept[name], meaning, fragment.axis == "row")
        origin[meaning.name] = name
    longest = max(kept, key=lambda name: kept[name].step.size, default="")
    if kept and _CLOCK not in fragment.columns and bool(np.isfinite(kept[longest].stamp).all()):
        rows = kept[longest]
        clock = Tracked(rows.step, rows.stamp, rows.stamp, rows.place)
        fragment.columns[_CLOCK] = _column(clock, ColumnMeaning(_CLOCK), fragment.axis == "row")
        origin[_CLOCK] = longest
    return fragment, origin


def _column(rows: Tracked, meaning: ColumnMeaning, by_row: bool) -> Column:  # noqa: FBT001
    is_plain = meaning.factor == 1.0
    step: Any = np.arange(1, rows.step.size + 1) if by_row else rows.step
    value: Any = rows.value if is_plain else rows.value * meaning.factor
    place: Any = rows.place
    return Column(step, value, place, Printed("float32") if rows.is_single and is_plain else Printed(), meaning.unit)
