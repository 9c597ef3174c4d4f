"""One file to what it tells: refused with a reason, left alone, or read into parts. Several files at once, if asked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from trainclinic.readers.file import LogFile
from trainclinic.readers.folders.checkpoint_names import run_folder
from trainclinic.readers.folders.discover import Found
from trainclinic.readers.folders.grouping import Part
from trainclinic.readers.folders.rows import settle_rows
from trainclinic.readers.folders.unsupported import ARCHIVE, why_content_refused, why_name_refused
from trainclinic.readers.reader import pick_reader
from trainclinic.record.errors import ReadError

LARGE_BYTES = 8 * 1_048_576
"""Files from this size on take so long (0.1 s and more) that a second process pays, if there are several."""
_LOG_SUFFIXES = frozenset((".log", ".out", ".jsonl", ".csv"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Attributes:
        name: The file, as the user would name it.
        parts: What was read, by run.
        refusal: Why nothing was read; empty when something was, or when the file is no log and is left alone.
        hint: What to do about a refusal.
        opened: Whether the file was opened.
    """

    name: str
    parts: tuple[Part, ...] = ()
    refusal: str = ""
    hint: str = ""
    opened: bool = True


def read_files(files: Sequence[Found], jobs: int = 1) -> Iterator[Outcome]:
    """Read files, in order.

    Args:
        files: What to read.
        jobs: Processes; 0 takes one per processor when there are several large files.
    """
    if jobs <= 0:
        jobs = _jobs_worth_it(files)
    if jobs <= 1 or len(files) <= 1:
        yield from map(read_file, files)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(min(jobs, len(files)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(read_file, files, chunksize=max(1, len(files) // (16 * jobs)))


def _jobs_worth_it(files: Iterable[Found]) -> int:
    large = sum(_bytes(found) >= LARGE_BYTES for found in files)
    return min(large, os.cpu_count() or 1)


def _bytes(found: Found) -> int:
    try:
        return found.path.stat().st_size
    except OSError:
        return 0


def read_file(found: Found) -> Outcome:
    """Read one file; whatever is wrong with it becomes a refusal with its reason and stops nothing."""
    if refusal := why_name_refused(found.name):
        is_wanted = found.asked or refusal[0] != ARCHIVE
        return Outcome(found.name, (), *(refusal if is_wanted else ("", "")), opened=False)
    try:
        file = LogFile(found.path, found.name)
        if refusal := why_content_refused(file):
            return Outcome(found.name, (), *refusal)
        reader = pick_reader(file)
        if reader is None:
            is_wanted = found.asked or (not file.size and _has_log_name(found.name))
            return Outcome(found.name, refusal=_why_unread(file) if is_wanted else "")
        fragments = reader.read(file)
        for fragment in fragments:
            settle_rows(fragment, file)
    except ReadError as error:
        return Outcome(found.name, (), error.message, error.hint)
    except Exception as error:  # a defect of a reader must not cost the user the other files
        says = f"our reader failed on it with {type(error).__name__}"
        return Outcome(found.name, (), says, "this is a defect of trainclinic: please report it with the file")
    home = run_folder(found.folder)
    parts = tuple(Part(fragment, home, file.damage, found.target) for fragment in fragments if not fragment.is_empty)
    is_missed = not parts and (found.asked or bool(file.damage))
    return Outcome(found.name, parts, _why_unread(file) if is_missed else "")


def _has_log_name(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in _LOG_SUFFIXES or name.endswith("trainer_state.json")


def _why_unread(file: LogFile) -> str:
    if not file.size:
        return "the file is empty"
    if file.is_binary:
        return "a binary file of no known kind"
    return "no row of a training log was recognised"
