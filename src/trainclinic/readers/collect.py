"""From what the user points at to records: find the files, read each once, sort the fragments into runs, join them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import count
from trainclinic.readers.folders.discover import Discovered, Found, Target, discover
from trainclinic.readers.folders.grouping import Run, group_runs, is_within
from trainclinic.readers.folders.join import join
from trainclinic.readers.folders.reading import Outcome, read_files
from trainclinic.readers.folders.retold_results import settle_retold_results
from trainclinic.readers.folders.row_steps import count_rows_in_steps
from trainclinic.readers.folders.unpacking import STDIN, Unpacked
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Checkpoint, Damage
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.record.run import RunRecord

PROGRAM_SUFFIXES = frozenset({".py", ".ipynb"})
DATA_SUFFIXES = frozenset({".jsonl", ".json", ".csv", ".tsv"})
SCRIPT_SUFFIXES = PROGRAM_SUFFIXES | {".sh", ".bash", ".slurm", ".sbatch"}


@dataclass(frozen=True)
class Collected:
    """What was found.

    Attributes:
        records: One per run, in the order of the given paths; below each, the main run (longest, then richest) first.
        damage: Files and folders that were refused or could not be read, with the reason, counted by reason.
        looked_at: Number of files that were opened.
        scripts: Programs and launch scripts beside the logs, for those who can read code.
        title: Name for the whole: the one folder or file that was given.
        data: Files that are training data and no logs, for those who can read data.
        unpacked: Holds the temporary folder in which compressed files lie unpacked; it goes with this value.
    """

    records: tuple[RunRecord, ...]
    damage: tuple[Damage, ...] = ()
    looked_at: int = 0
    scripts: tuple[Found, ...] = ()
    title: str = ""
    data: tuple[Found, ...] = ()
    unpacked: Unpacked | None = None


def collect(
    target: Target | Iterable[Target],
    *,
    jobs: int = 1,
    scripts_suffice: bool = False,
    is_data: Callable[[Path], bool] = lambda _: False,
) -> Collected:
    """Read everything below `target` into records, one per run.

    Args:
        target: A folder, a file, a glob pattern, or several of these; compressed files are unpacked, `-` is standard
            input.
        jobs: Processes to read with; 0 takes one per processor when there are several large files.
        scripts_suffice: Whether a target that holds programs and no log gives no records instead of an error.
        is_data: Which files hold training data: they are set aside and not read as logs.

    Raises:
        ReadError: If a target does not exist or nothing readable was found; the message says what was.
    """
    targets = [target] if isinstance(target, (str, os.PathLike)) else list(target)
    unpacked = Unpacked()
    found = discover(given) if (given := [one for one in targets if one != STDIN]) else Discovered()
    if len(given) < len(targets):
        unpacked.add_stdin(found)
    unpacked.unpack(found)
    scripts = tuple(file for file in found.files if file.path.suffix.lower() in SCRIPT_SUFFIXES)
    data = tuple(file for file in found.files if file.path.suffix.lower() in DATA_SUFFIXES and is_data(file.path))
    outcomes = list(read_files([file for file in found.files if file not in data], jobs))
    parts = [part for outcome in outcomes for part in outcome.parts]
    refused = _count_refusals(outcomes)
    looked_at = sum(outcome.opened for outcome in outcomes)
    if not parts and scripts_suffice and any(file.path.suffix.lower() in PROGRAM_SUFFIXES for file in scripts):
        return Collected((), tuple(found.damage), looked_at, scripts, found.title, data, unpacked)
    if not parts:
        hint = next((outcome.hint for outcome in outcomes if outcome.hint), _WHAT_WE_READ)
        raise ReadError(_why_nothing(found, refused, looked_at), hint=hint)
    settle_retold_results(parts)
    count_rows_in_steps(parts)
    runs = _in_order_of_targets(group_runs(parts))
    records = [
        join(run, name, _checkpoints_of(run, runs, found)) for run, name in zip(runs, _names(runs, found), strict=True)
    ]
    damage = (*found.damage, *refused)
    told = tuple(_with_damage(records, runs, damage))
    return Collected(told, damage, looked_at, scripts, found.title, data, unpacked)


def _in_order_of_targets(runs: list[Run]) -> list[Run]:
    """Runs in the order in which the user gave their paths, the main run of each path first."""

    def place(run: Run) -> int:
        return min(part.target for part in run.rows or [part for _, part in run.settings])

    return _plain_names_first(sorted(runs, key=place))


def _plain_names_first(runs: list[Run]) -> list[Run]:
    """Of the runs of one folder those with a plain name before its variants: `train.log` before `train_cpu.log`."""

    def is_variant(run: Run, others: list[Run]) -> bool:
        return any(stems[id(run)].startswith((f"{stems[id(one)]}_", f"{stems[id(one)]}-")) for one in others)

    stems = {id(run): _stem_of(run) for run in runs}
    by_home: dict[str, list[Run]] = {}
    for run in runs:
        by_home.setdefault(run.home, []).append(run)
    queues = {
        home: iter(sorted(members, key=lambda run, members=members: is_variant(run, members)))  # type: ignore[misc]
        for home, members in by_home.items()
    }
    return [next(queues[run.home]) for run in runs]


def _stem_of(run: Run) -> str:
    """The name of a run's log without folder and ending; of a run without log, a name that no other one begins with."""
    return run.rows[0].fragment.file.rpartition("/")[2].rpartition(".")[0] if run.rows else "\0"


def _count_refusals(outcomes: Iterable[Outcome]) -> list[Damage]:
    """Files that are not read, counted by reason; the first file of each reason is named."""
    counted: dict[str, Damage] = {}
    for outcome in outcomes:
        if says := outcome.refusal:
            known = counted.get(says, Damage(says, Source(outcome.name), 0))
            counted[says] = replace(known, count=known.count + 1)
    return list(counted.values())


def _why_nothing(found: Discovered, refused: list[Damage], looked_at: int) -> str:
    """Why there is nothing to diagnose, in one sentence."""
    if len(found.files) == 1 and refused:
        says = refused[0].says
        return says if says.startswith("`") else f"`{found.files[0].name}` cannot be read: {says}"
    if refused:
        reasons = [f"`{damage.source.path}`: {damage.says.replace('`', '')}" for damage in refused]
        more = f" and {len(reasons) - 3} more reasons" if len(reasons) > 3 else ""
        return f"`{found.title}` holds no training log that can be read: {'; '.join(reasons[:3])}{more}"
    looked = f"{count(looked_at, 'file')} looked at, {found.skipped:,} left alone because of their names"
    return f"`{found.title}` holds no training log ({looked})"


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
