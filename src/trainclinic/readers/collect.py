"""From what the user points at to records: find the files, read each once, sort the fragments into runs, join them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from trainclinic.readers.checkpoint_names import run_folder
from trainclinic.readers.discover import Discovered, Found, Target, discover
from trainclinic.readers.file import LogFile
from trainclinic.readers.grouping import Part, Run, group_runs, is_within
from trainclinic.readers.join import join
from trainclinic.readers.reader import pick_reader
from trainclinic.readers.row_steps import count_rows_in_steps
from trainclinic.readers.rows import settle_rows
from trainclinic.readers.unsupported import why_content_refused, why_name_refused
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Checkpoint, Damage
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.record.run import RunRecord


@dataclass(frozen=True)
class Collected:
    """What was found.

    Attributes:
        records: One per run, the main run (longest, then richest) of each folder first.
        damage: Files and folders that were refused or could not be read, with the reason, counted by reason.
        looked_at: Number of files that were opened.
    """

    records: tuple[RunRecord, ...]
    damage: tuple[Damage, ...] = ()
    looked_at: int = 0


@dataclass
class _Reading:
    """What became of the files so far."""

    parts: list[Part] = field(default_factory=list)
    refused: dict[str, Damage] = field(default_factory=dict)
    hint: str = ""
    looked_at: int = 0

    def refuse(self, says: str, name: str, hint: str = "") -> None:
        """Count a file that is not read, by reason; the first file of each reason is named."""
        known = self.refused.get(says)
        self.refused[says] = Damage(says, known.source if known else Source(name), 1 + (known.count if known else 0))
        self.hint = self.hint or hint


def collect(target: Target | Iterable[Target]) -> Collected:
    """Read everything below `target` into records, one per run.

    Args:
        target: A folder, a file, a glob pattern, or several of these.

    Raises:
        ReadError: If a target does not exist or nothing readable was found; the message says what was.
    """
    targets = [target] if isinstance(target, (str, os.PathLike)) else list(target)
    found = discover(targets)
    reading = _Reading()
    for file in found.files:
        _read(file, reading)
    if not reading.parts:
        raise _nothing_found(found, reading)
    count_rows_in_steps(reading.parts)
    runs = group_runs(reading.parts)
    names = _names(runs, found)
    records = [join(run, name, _checkpoints_of(run, runs, found)) for run, name in zip(runs, names, strict=True)]
    damage = (*found.damage, *reading.refused.values())
    return Collected(tuple(_with_damage(records, runs, damage)), damage, reading.looked_at)


def _read(found: Found, reading: _Reading) -> None:
    """Read one file; whatever is wrong with it is counted and stops nothing."""
    if refusal := why_name_refused(found.name):
        if found.asked or refusal[0] != "compressed files are not read yet":
            reading.refuse(refusal[0], found.name, refusal[1])
        return
    reading.looked_at += 1
    try:
        file = LogFile(found.path, found.name)
        if refusal := why_content_refused(file):
            reading.refuse(refusal[0], found.name, refusal[1])
            return
        reader = pick_reader(file)
        if reader is None:
            if found.asked or (not file.size and _is_log_name(found.name)):
                reading.refuse(_why_unread(file), found.name)
            return
        fragments = reader.read(file)
    except ReadError as error:
        reading.refuse(error.message, found.name, error.hint)
        return
    for fragment in fragments:
        settle_rows(fragment, file)
    home = run_folder(found.folder)
    parts = [Part(fragment, home) for fragment in fragments if not fragment.is_empty]
    for part in parts:
        part.damage = file.damage
    if not parts and (found.asked or file.damage):
        reading.refuse(_why_unread(file), found.name)
    reading.parts += parts


def _is_log_name(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in {".log", ".out", ".jsonl", ".csv"} or name.endswith(
        "trainer_state.json"
    )


def _why_unread(file: LogFile) -> str:
    if not file.size:
        return "the file is empty"
    if file.is_binary:
        return "a binary file of no known kind"
    return "no row of a training log was recognised"


def _nothing_found(found: Discovered, reading: _Reading) -> ReadError:
    """Why there is nothing to diagnose, in one sentence."""
    reasons = [f"`{damage.source.path}`: {damage.says}" for damage in reading.refused.values()]
    if len(found.files) == 1 and reasons:
        message = next(iter(reading.refused.values())).says
        shown = message if message.startswith("`") else f"`{found.files[0].name}` cannot be read: {message}"
        return ReadError(shown, hint=reading.hint or _WHAT_WE_READ)
    if reasons:
        more = f" and {len(reasons) - 3} more reasons" if len(reasons) > 3 else ""
        message = f"`{found.title}` holds no training log that can be read: {'; '.join(reasons[:3])}{more}"
        return ReadError(message, hint=reading.hint or _WHAT_WE_READ)
    looked = f"{reading.looked_at:,} files looked at, {found.skipped:,} left alone because of their names"
    return ReadError(f"`{found.title}` holds no training log ({looked})", hint=_WHAT_WE_READ)


_WHAT_WE_READ = "give a run folder, a `trainer_state.json`, a console log, or metrics as CSV or JSON lines"


def _names(runs: list[Run], found: Discovered) -> list[str]:
    """Folder names where a folder holds one run, file names (and labels) where it holds several."""
    names = []
    for run in runs:
        alone = sum(other.home == run.home for other in runs) == 1
        first = (run.rows or [part for _, part in run.settings])[0].fragment
        if alone and (run.home or len(found.files) != 1 or not found.files[0].asked):
            names.append(run.home or found.title)
        else:
            names.append(f"{first.file} [{first.label}]" if first.label else first.file)
    return [name if names.count(name) == 1 else f"{name} #{at + 1}" for at, name in enumerate(names)]


def _with_damage(records: list[RunRecord], runs: list[Run], damage: Iterable[Damage]) -> list[RunRecord]:
    """Records that also tell of the unread files of their folder (the main record of those of no run's folder)."""
    extra: dict[int, list[Damage]] = {}
    for one in damage:
        inside = [at for at, run in enumerate(runs) if is_within(one.source.path, run.home)]
        extra.setdefault(max(inside, key=lambda at: len(runs[at].home), default=0), []).append(one)
    return [
        replace(record, damage=(*record.damage, *extra[at])) if at in extra else record
        for at, record in enumerate(records)
    ]


def _checkpoints_of(run: Run, runs: list[Run], found: Discovered) -> list[Checkpoint]:
    """Checkpoints in the folder of a run and below it, as far as no other run lives nearer to them."""
    mine = []
    for folder, listing in found.checkpoints.items():
        nearest = max((other.home for other in runs if is_within(folder, other.home)), key=len, default=None)
        if nearest == run.home and next(other for other in runs if other.home == nearest) is run:
            mine += listing
    return mine
