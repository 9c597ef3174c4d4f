"""One record from the parts of one run: columns put together, the most trusted fact first, nothing dropped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.folders.grouping import Run
from trainclinic.record.facts import Fact, Facts
from trainclinic.record.parts import Checkpoint, Damage, Event, Generation
from trainclinic.record.run import RunRecord
from trainclinic.record.series import Printed, Series, make_series
from trainclinic.record.vocabulary import SERIES

if TYPE_CHECKING:
    from trainclinic.readers.fragment import Column, Fragment

# What a run printed is what it used; a configuration file is what somebody intended; the rest is hearsay.
_TRUST = {"given": 0, "printed": 1, "log": 2, "command line": 3, "environment": 4, "config": 6, "model card": 7}
_TRUST_OF_TRAINING_ARGS = 5
_TRUST_OF_THE_REST = 8


def join(run: Run, name: str, checkpoints: Iterable[Checkpoint] = ()) -> RunRecord:
    """The record of a run.

    Args:
        run: Its parts.
        name: Name for tables.
        checkpoints: Checkpoints that were seen on disk.
    """
    logs = run.fragments
    settings = [part.fragment for _, part in run.settings]
    everything = [*logs, *settings]
    main = run.rows[0].fragment if run.rows else None
    return RunRecord(
        name=name,
        series={column: _series(column, logs) for column in _column_names(logs)},
        facts=Facts(_by_trust(run, "facts")),
        other_facts=tuple(_by_trust(run, "other_facts")),
        versions=_versions(_by_trust(run, "versions")),
        events=_once(event for fragment in everything for event in fragment.events),
        checkpoints=_checkpoints(checkpoints, everything),
        generations=tuple(_generations(everything)),
        results=tuple(result for fragment in everything for result in fragment.results),
        damage=_damage(run),
        files=tuple(dict.fromkeys(fragment.file for fragment in everything)),
        axis=main.axis if main else "step",
        log_format=main.reader if main else "",
    )


def _column_names(logs: list[Fragment]) -> list[str]:
    """Names of all columns, those of the vocabulary first and in its order."""
    names = dict.fromkeys(name for fragment in logs for name in fragment.columns)
    return [*(name for name in SERIES if name in names), *(name for name in names if name not in SERIES)]


def _series(name: str, logs: list[Fragment]) -> Series:
    holders = [(fragment.file, fragment.columns[name]) for fragment in logs if name in fragment.columns]
    files = tuple(dict.fromkeys(file for file, _ in holders))
    columns = [column for _, column in holders]
    owner = [np.full(len(column.step), files.index(file), dtype=np.int32) for file, column in holders]
    return make_series(
        name,
        np.concatenate([np.asarray(column.step) for column in columns]),
        np.concatenate([np.asarray(column.value) for column in columns]),
        unit=next((column.unit for column in columns if column.unit), SERIES.get(name, ("", ""))[0]),
        line=np.concatenate([np.asarray(column.line) for column in columns]),
        file=np.concatenate(owner),
        files=files,
        printed=_coarsest(columns),
    )


def _coarsest(columns: list[Column]) -> Printed:
    """The way of printing that shows the least, so that no value is taken for more exact than it is."""
    one = np.ones(1)
    return max((column.printed for column in columns), key=lambda printed: float(printed.half_unit(one)[0]))


def _by_trust(run: Run, kind: str) -> list[Fact]:
    """Facts of all parts in order of trust: how they were learned, then how near the file is to the run."""
    ranked: list[tuple[int, int, int, Fact]] = []
    near = [(0, part.fragment) for part in run.rows] + [(1 + far, part.fragment) for far, part in run.settings]
    for distance, fragment in near:
        facts: list[Fact] = getattr(fragment, kind)
        ranked.extend((_trust(fact, fragment), distance, len(ranked) + place, fact) for place, fact in enumerate(facts))
    return [fact for *_, fact in sorted(ranked, key=lambda entry: entry[:3])]


def _trust(fact: Fact, fragment: Fragment) -> int:
    if fact.how == "config" and "training_args" in fragment.file.rpartition("/")[2]:
        return _TRUST_OF_TRAINING_ARGS
    return _TRUST.get(fact.how, _TRUST_OF_THE_REST)


def _versions(facts: list[Fact]) -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    for fact in facts:
        found.setdefault(fact.name, fact)
    return found


def _once(events: Iterable[Event]) -> tuple[Event, ...]:
    """Events without those that a second file of the run repeats (a console log and its copy)."""
    teller: dict[tuple[str, str, int | None], str] = {}
    return tuple(
        event
        for event in events
        if teller.setdefault((event.kind, event.says, event.step), event.source.path) == event.source.path
    )


def _generations(fragments: list[Fragment]) -> Iterable[Generation]:
    return (generation for fragment in fragments for generation in fragment.generations)


def _checkpoints(on_disk: Iterable[Checkpoint], fragments: list[Fragment]) -> tuple[Checkpoint, ...]:
    """Checkpoints by step; one that lies on disk is not listed a second time because the log mentions it."""
    found = {(checkpoint.step, checkpoint.path): checkpoint for checkpoint in on_disk}
    steps = {step for step, _ in found}
    for fragment in fragments:
        for checkpoint in fragment.checkpoints:
            if checkpoint.step not in steps:
                found.setdefault((checkpoint.step, checkpoint.path), checkpoint)
    return tuple(sorted(found.values(), key=lambda checkpoint: (checkpoint.step, checkpoint.path)))


def _damage(run: Run) -> tuple[Damage, ...]:
    found: dict[tuple[str, str], Damage] = {}
    for part in [*run.rows, *(part for _, part in run.settings)]:
        for damage in part.damage:
            found.setdefault((damage.says, damage.source.path), damage)
    return tuple(found.values())
