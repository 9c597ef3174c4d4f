"""Fragments sorted into runs: which files tell of the same run, and which facts belong to it.

Works on what `same_run` says about numbers, and on places: the files of a folder (checkpoint folders count as their
parent) may be one run or several, and settings apply to the runs of their folder and below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.folders.agreement import agreement
from trainclinic.readers.folders.discover import natural
from trainclinic.readers.folders.in_loop import hidden_losses, recorded_same_run
from trainclinic.readers.folders.same_run import Relation, fork_step, relate, span, starts_before
from trainclinic.record.facts import Fact
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from trainclinic.readers.fragment import Column, Fragment
    from trainclinic.record.parts import Damage


@dataclass(slots=True)
class Part:
    """A fragment with its place.

    Attributes:
        fragment: What was read.
        home: Folder of the run it belongs to, as the user would name it; empty for the top.
        damage: What could not be read in its file.
        target: Which of the given paths it was found under, from 0.
    """

    fragment: Fragment
    home: str
    damage: tuple[Damage, ...] = ()
    target: int = 0

    @property
    def has_rows(self) -> bool:
        """Whether it holds any logged quantity."""
        return bool(self.fragment.columns)


@dataclass(slots=True)
class Run:
    """The parts of one run.

    Attributes:
        home: Its folder.
        rows: Parts with logged rows, the richest first; their columns are disjoint in (name, step) except for overlaps
            that the run itself has.
        settings: Parts without rows, the nearest first, each with its distance in folders.
    """

    home: str
    rows: list[Part] = field(default_factory=list)
    settings: list[tuple[int, Part]] = field(default_factory=list)

    @property
    def fragments(self) -> list[Fragment]:
        """The fragments with rows, in the order in which they were logged."""
        return sorted((part.fragment for part in self.rows if part.has_rows), key=span)


def group_runs(parts: list[Part]) -> list[Run]:
    """Sort parts into runs, the main run (longest, then richest) first.

    Args:
        parts: Everything that was read, with arrays as columns.
    """
    runs: list[Run] = []
    richest = sorted((part for part in parts if part.has_rows), key=_richness)
    rank = {id(part): place for place, part in enumerate(richest)}
    for part in sorted(richest, key=lambda part: not part.fragment.in_loop):
        _place(runs, part)
    runs.sort(key=lambda run: rank[id(run.rows[0])])
    others = [part for part in parts if not part.has_rows]
    _assign_settings(runs, others)
    return runs


def is_within(home: str, folder: str) -> bool:
    """Whether `home` is `folder` or lies below it."""
    return not folder or home == folder or home.startswith(folder + "/")


def depth(folder: str) -> int:
    """Number of folders in a name."""
    return folder.count("/") + 1 if folder else 0


def _richness(part: Part) -> tuple[bool, bool, int, int, int, list[tuple[int, str]]]:
    """Sorts the most telling log first: with steps, of a loss, many rows, many columns, a short name."""
    columns = part.fragment.columns
    losses = [len(columns[name].step) for name in ("train/loss", "eval/loss") if name in columns]
    rows = max(losses, default=0) or max(len(column.step) for column in columns.values())
    stem = part.fragment.file.rpartition("/")[2]
    return part.fragment.axis != "step", not losses, -rows, -len(columns), len(stem), natural(part.fragment.file)


def _place(runs: list[Run], part: Part) -> None:
    beside = []
    for run in runs:
        if not (is_within(part.home, run.home) or is_within(run.home, part.home)):
            continue
        members = [member for member in run.rows if member.has_rows]
        relations = [_relation(member, part) for member in members]
        if Relation.SAME in relations and not _are_named(run, part):
            _absorb(run, members[relations.index(Relation.SAME)], part)
            return
        if {Relation.OTHER, Relation.SAME} & set(relations) or part.home != run.home or _are_labelled(run, part):
            continue
        if Relation.FORK in relations or Relation.AFTER in relations:
            _continue(run, members, relations, part)
            return
        beside.append(run)
    if beside:
        _closest(beside, part).rows.append(part)
    else:
        runs.append(Run(part.home, [part]))


def _relation(member: Part, part: Part) -> Relation:
    one, two = member.fragment, part.fragment
    beside = one.in_loop and not two.in_loop and member.home == part.home
    if beside and recorded_same_run(one, two):
        return Relation.SAME
    return relate(one, two) if starts_before(one, two) else relate(two, one)


def _are_labelled(run: Run, part: Part) -> bool:
    """Whether a file itself says that two of its fragments are different runs."""
    label = part.fragment.label
    return bool(label) and any(
        member.fragment.file == part.fragment.file and member.fragment.label != label for member in run.rows
    )


def _are_named(run: Run, part: Part) -> bool:
    """Whether a table gives two of its runs names: they are two runs then, even if their rows are equal."""
    return _are_labelled(run, part) and not part.fragment.label.startswith("run ")


def _closest(runs: list[Run], part: Part) -> Run:
    """The run whose file name resembles most that of a part that fits several."""
    name = part.fragment.file

    def likeness(run: Run) -> float:
        import difflib

        return max(difflib.SequenceMatcher(None, name, member.fragment.file).ratio() for member in run.rows)

    return max(runs, key=likeness)


def _absorb(run: Run, member: Part, part: Part) -> None:
    """Take from another log of the same run what the run does not have yet."""
    run.home = min(run.home, part.home, key=depth)
    hidden = hidden_losses(member.fragment, part.fragment) if member.fragment.in_loop else None
    known = {name for other in run.rows for name in other.fragment.columns}
    low, high = span(member.fragment)
    columns: dict[str, Column] = {}
    if part.fragment.axis == member.fragment.axis == "step":
        for name, column in part.fragment.columns.items():
            outside = (np.asarray(column.step) < low) | (np.asarray(column.step) > high)
            kept = column if name not in known else column.where(outside)
            if len(kept.step):
                columns[name] = kept
    if hidden is None:
        member.fragment.other_facts += agreement(member.fragment, part.fragment)
    rest = replace(part, fragment=replace(part.fragment, columns=columns))
    if hidden is not None:
        rest.damage = (*part.damage, hidden)
    if columns:
        run.rows.append(rest)
    elif member.fragment.in_loop:
        run.settings.append((0, rest))
    else:
        copy = part.fragment.file
        member.fragment.other_facts.append(Fact("same_rows_as", copy, Source(copy), "inferred"))
        run.settings.append((0, rest))


def _continue(run: Run, members: list[Part], relations: list[Relation], part: Part) -> None:
    """Add a later or an earlier pass; what both passes share before a fork is kept once."""
    for member, relation in zip(members, relations, strict=True):
        if relation is not Relation.FORK:
            continue
        earlier, later = (member, part) if starts_before(member.fragment, part.fragment) else (part, member)
        if span(earlier.fragment)[0] == span(later.fragment)[0]:
            begin = fork_step(earlier.fragment, later.fragment)
            later.fragment = _only(later.fragment, lambda step, begin=begin: step >= begin)  # type: ignore[misc]
    if part.fragment.axis == "row":
        offset = max(span(member.fragment)[1] for member in members)
        for column in part.fragment.columns.values():
            column.step = np.asarray(column.step) + offset  # type: ignore[assignment]
    run.rows.append(part)


def _only(fragment: Fragment, wanted: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Fragment:
    columns = {name: column.where(wanted(np.asarray(column.step))) for name, column in fragment.columns.items()}
    return replace(fragment, columns={name: column for name, column in columns.items() if len(column.step)})


def _assign_settings(runs: list[Run], others: list[Part]) -> None:
    """Give each part without rows to the runs it belongs to; without any run, all of them make up one record."""
    if not runs and others:
        home = min((part.home for part in others), key=depth)
        runs.append(Run(home, [], [(depth(part.home) - depth(home), part) for part in others]))
        return
    for part in others:
        below = [run for run in runs if is_within(run.home, part.home)]
        if below and part.fragment.tells_of_a_run:  # one log, one run: the main one of the nearest folder
            nearest = min(below, key=lambda run: depth(run.home))
            nearest.settings.append((depth(nearest.home) - depth(part.home), part))
            continue
        rivals = [other for other in others if _is_rival(part, other)]
        for run in below or _nearest_above(runs, part):
            if not _is_meant(run, part, rivals):
                continue
            distance = depth(run.home) - depth(part.home)
            run.settings.append((distance if distance >= 0 else 100 - distance, part))
    for run in runs:
        run.settings.sort(key=lambda pair: pair[0])


_FIXED_NAMES = re.compile(
    r"(.*_)?(config|args|arguments|map|state)\.(json|bin)|readme\.md|requirements\.txt"
    r"|(accelerate|launch|fsdp|deepspeed|ds|default_config|multi_?gpu)\w*\.ya?ml",
    re.IGNORECASE,
)
"""Names that a tool gives, and of files that say how runs are launched.

Files with other names may be the settings of one run among several.
"""


def _is_rival(part: Part, other: Part) -> bool:
    """Whether two settings files of one folder are of one kind and named freely: `small.yaml` and `large.yaml`."""
    one, two = part.fragment, other.fragment
    names = (one.file.rpartition("/")[2], two.file.rpartition("/")[2])
    free = not any(_FIXED_NAMES.fullmatch(name) for name in names)
    return free and one.reader == two.reader and one.file.rpartition("/")[0] == two.file.rpartition("/")[0]


def _is_meant(run: Run, part: Part, rivals: list[Part]) -> bool:
    """Whether a settings file speaks of this run, when its folder holds several of its kind.

    One whose name is part of the log's name (or the other way round) speaks of that run alone. Otherwise those beside
    or above the run all count, the first one first; those in a folder below (`configs/`) are a collection, and none.
    """
    if len(rivals) < 2:
        return True
    logs = [_stem(member.fragment.file) for member in run.rows]
    named = [rival for rival in rivals if any(_stem(rival.fragment.file) in log for log in logs)]
    if named:
        return any(rival is part for rival in named)
    return is_within(run.home, part.home)


def _stem(file: str) -> str:
    return file.rpartition("/")[2].partition(".")[0].lower()


def _nearest_above(runs: list[Run], part: Part) -> list[Run]:
    """Runs of the closest folder above a part in whose own folder and below nothing was logged."""
    above = [run for run in runs if is_within(part.home, run.home)]
    deepest = max((depth(run.home) for run in above), default=-1)
    nearest = [run for run in above if depth(run.home) == deepest]
    return nearest[:1] if part.fragment.tells_of_a_run else nearest
