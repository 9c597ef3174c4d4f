"""MLflow's file store: one run, found by its `meta.yaml`, with `metrics/`, `params/` and `tags/` beside it.

A file of `metrics/` holds lines of milliseconds, value and step. Experiments, models and artifacts are not read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.readers.file import LogFile
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import MAX_SETTINGS
from trainclinic.readers.tables.tracked import Tracked, tracked_files, tracked_fragment
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainclinic.readers.fragment import Fragment

MAX_METRICS = 5_000
_RUN_KEY = re.compile(r"^(run_id|run_uuid): *\S", re.M)
_STATUS = re.compile(r"^status: *(\d+)", re.M)
_METRIC_LINE = re.compile(r"\d{10,14} \S{1,40}( -?\d{1,18})?")
_LONE_METRIC_LINE = re.compile(r"1\d{12} [-+.\dA-Za-z]{1,40} -?\d{1,18}")
"""Milliseconds of this century, value and step: what tells a metric that was taken out of its folder."""
_ENDS = {4: ("exception", "FAILED"), 5: ("interrupted", "KILLED")}
_DEEPEST = 6
_MOST_PARAMETER_BYTES = 8_192


def sniff(file: LogFile) -> float:
    """By `run_id` and `artifact_uri` in a `meta.yaml`, and by a place in `metrics`, `params` or `tags` beside one."""
    if file.path.name == "meta.yaml" and b"artifact_uri:" in file.head and _RUN_KEY.search(file.head_text):
        return 1.0
    if _place(file.path) is not None:
        return 0.99
    if file.path.suffix:
        return 0.0
    first = file.head_text.partition("\n")[0].rstrip("\r")
    alone = _LONE_METRIC_LINE if "metrics" not in file.path.parts else _METRIC_LINE
    return 0.97 if alone.fullmatch(first) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read the run of a `meta.yaml`; a single file of `metrics` is read when it was given without its run.

    Raises:
        ReadError: If there is neither a metric nor a parameter.
    """
    if file.path.name == "meta.yaml":
        fragments = _run(file)
    else:
        place = _place(file.path)
        is_told = place is not None and file.name.count("/") > file.path.relative_to(place).as_posix().count("/")
        if is_told or (place is not None and place.name != "metrics"):
            return []  # its run's `meta.yaml` was found with it, and tells of it
        name = file.path.name if place is None else file.path.relative_to(place).as_posix()
        fragments = [tracked_fragment(file, "mlflow_store", {name: _metric(file, file)})]
    fragments = [fragment for fragment in fragments if not fragment.is_empty]
    if not fragments:
        message = f"`{file.name}` belongs to a run without metrics and parameters"
        raise ReadError(message, hint="the run may have stopped before it logged anything")
    return fragments


def _place(path: Path) -> Path | None:
    """The folder `metrics`, `params` or `tags` of a run in which a file lies."""
    for folder in list(path.parents)[:_DEEPEST]:
        if folder.name in {"metrics", "params", "tags"} and (folder.parent / "meta.yaml").is_file():
            return folder
    return None


def _run(file: LogFile) -> list[Fragment]:
    """Parameters and status of one run, and its metrics, each from its own file."""
    folder = file.path.parent
    metrics, files = {}, {}
    for name, inner in _files(file, folder / "metrics", MAX_METRICS):
        metrics[name], files[name] = _metric(inner, file), inner.name
    fragment, *others = tracked_files(file, "mlflow_store", metrics, files)
    pairs: list[tuple[str, Any, int | None]] = []
    for name, inner in _files(file, folder / "params", MAX_SETTINGS):
        pairs.append((name, inner.head[:_MOST_PARAMETER_BYTES].decode("utf-8", "replace").strip(), None))
    settings = facts_from_settings(pairs, "config", file)
    fragment.facts += settings.facts
    fragment.other_facts += settings.other_facts
    fragment.versions += settings.versions
    status = _STATUS.search(file.head_text)
    if status and int(status[1]) in _ENDS:
        kind, word = _ENDS[int(status[1])]
        line = file.head_text.count("\n", 0, status.start()) + 1
        fragment.events.append(Event(kind, f"MLflow's status of the run is {word}", file.source(line, "status")))
    return [*others, fragment]


def _files(file: LogFile, folder: Path, most: int) -> Iterator[tuple[str, LogFile]]:
    """Files below a folder with their names in it, by name; links are not followed."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if len(paths) > most:
        file.count_damage(f"metric or parameter beyond the first {most:,} was not read", count=len(paths) - most)
    for path in paths[:most]:
        name = path.relative_to(folder).as_posix()
        shown = file.name.removesuffix("meta.yaml") + f"{folder.name}/{name}"
        yield name, LogFile(path, shown)


def _metric(inner: LogFile, file: LogFile) -> Tracked:
    """The values of one metric; damage is counted on `file`."""
    stamps, values, steps, places = [], [], [], []
    for number, line in inner.lines():
        cells = line.split()
        try:
            stamp, value, step = float(cells[0]), float(cells[1]), int(cells[2]) if len(cells) > 2 else 0
        except (ValueError, IndexError):
            if cells:
                file.count_damage(f"line of `{inner.path.name}` that is not `timestamp value step`", number)
            continue
        if abs(step) < 2**53:
            stamps.append(stamp)
            values.append(value)
            steps.append(step)
            places.append(number)
    return Tracked(
        np.array(steps, np.int64), np.array(values, np.float64), np.array(stamps) / 1000, np.array(places, np.int64)
    )


READER = Reader(
    name="mlflow_store",
    title="MLflow file store (`mlruns/<experiment>/<run>`)",
    recognised_by="`run_id` and `artifact_uri` in a `meta.yaml`, with folders `metrics` and `params` beside it",
    delivers="every metric by step with wall clock and line; parameters as facts; runs that failed or were killed",
    limits="experiments, registered models and artifacts are not read",
    sniff=sniff,
    read=read,
)
