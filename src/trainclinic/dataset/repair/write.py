"""Walk the data once more and write the cleaned copy beside its log.

Files appear under their names only when they are complete. The folder must be new, so that nothing can be overwritten.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trainclinic.corpus.sample import Sample, Trouble
from trainclinic.dataset.duplicates.exact import groups_of, normal_digests
from trainclinic.dataset.duplicates.near import Joins
from trainclinic.dataset.near_rows import near_clusters, near_copies
from trainclinic.dataset.repair.rows import mended_row, plain_row, why_dropped
from trainclinic.dataset.row_text import whole_text
from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Split
    from trainclinic.dataset.data import Data

TRAIN, HELD_OUT, LOG = "train.jsonl", "held-out.jsonl", "changes.jsonl"
_LONGEST_EXCERPT = 200


@dataclass(slots=True)
class Repaired:
    """What was written.

    Attributes:
        folder: Where.
        written: Rows by file.
        dropped: Rows that were left out, by reason.
        mended: Rows that were changed, by what was done.
    """

    folder: Path
    written: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)


def repair(data: Data, folder: Path, *, held_out_share: float = 0.0, seed: int = 0) -> Repaired:
    """Write a cleaned copy: texts mended, useless rows and copies left out, splits without common rows.

    Args:
        data: The data, surveyed.
        folder: A folder that does not exist yet, or is empty.
        held_out_share: Share of the rows to hold out where the data have no held-out files, 0-1; rows that resemble
            each other, or answer the same prompt, go to the same side.
        seed: Decides which rows are held out.

    Raises:
        TrainclinicError: If the folder holds anything, or cannot be written.
    """
    _refuse_used(folder)
    from trainclinic.dataset.examine import row_questions

    made = Repaired(folder)
    copies = _Copies(data)
    is_held = _drawn(data, held_out_share, seed)
    questions = row_questions()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            out = _Out(folder, stack)
            for split, index, row in _rows(data):
                if isinstance(row, Trouble):
                    if row.loses_row:
                        made.dropped[row.kind] += 1
                        out.log(row.source, dropped=row.kind, because=row.says)
                    continue
                mended, done = mended_row(row)
                reason = why_dropped(mended, questions) or copies.why(split, index, mended)
                if reason:
                    made.dropped[reason[0]] += 1
                    out.log(row.source, dropped=reason[0], because=reason[1])
                    continue
                if done:
                    made.mended.update(done)
                    out.log(row.source, mended=list(done), before=_excerpt(row), after=_excerpt(mended))
                name = HELD_OUT if split == "held-out" or (is_held is not None and is_held[index]) else TRAIN
                out.row(name, plain_row(mended))
                made.written[name] += 1
            out.finish()
    except OSError as error:
        message = f"`{folder}` cannot be written: {error.strerror or error}"
        raise TrainclinicError(message, hint="give another folder, or make room on the disk") from error
    return made


def _refuse_used(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"`{folder}` is not empty: a cleaned copy is written into a new folder only"
        raise TrainclinicError(message, hint="name a folder that does not exist yet")


def _rows(data: Data) -> Iterator[tuple[Split, int, Sample | Trouble]]:
    """Every row with its split and its index among the usable rows of that split; held-out rows first."""
    splits: tuple[Split, ...] = ("held-out", "train")
    for split in splits:
        index = 0
        for shard in data.corpus.of(split).shards:
            for row in shard.rows():
                yield split, index, row
                index += isinstance(row, Sample)


class _Copies:
    """Knows which rows repeat an earlier row, or a held-out one; held-out rows are to be asked about first.

    Whole texts are compared after mending. Training rows that differ little from any other row go too; held-out rows
    that differ little from each other stay.
    """

    def __init__(self, data: Data) -> None:
        clusters = near_copies(data)
        self._near = None if clusters is None else clusters.first
        self._held_out_from = len(data.survey.prints)
        self._seen: dict[int, tuple[Split, str]] = {}
        self._alike: dict[int, tuple[Split, str]] = {}

    def why(self, split: Split, index: int, sample: Sample) -> tuple[str, str] | None:
        """The kind of copy that a row is, and of what; `None` for a row like none before it."""
        me = (split, str(sample.source))
        whole = int(normal_digests([whole_text(sample)])[0])
        other = self._seen.setdefault(whole, me)
        if other is not me:
            return ("duplicate" if other[0] == split else "split-overlap"), f"repeats `{other[1]}`"
        if self._near is not None:
            alike = int(self._near[index + (self._held_out_from if split == "held-out" else 0)])
            other = self._alike.setdefault(alike, me)
            if other is not me and split == "train":
                return ("near-duplicate" if other[0] == split else "split-overlap"), f"differs little from `{other[1]}`"
        return None


def _near_of_train(data: Data) -> NDArray[np.int64] | None:
    """For each training row the first one that differs little from it; `None` when that cannot be found out."""
    clusters = near_clusters(data)
    return None if clusters is None else clusters.first[: len(data.survey.prints)]


def _drawn(data: Data, share: float, seed: int) -> NDArray[np.bool_] | None:
    """Which training rows to hold out: whole groups of rows that resemble each other or answer the same prompt."""
    if share <= 0 or data.held_out is not None:
        return None
    prints = data.survey.prints
    joins = Joins(len(prints))
    for first in (groups_of(np.where(prints.prompt != 0, prints.prompt, prints.normal)).first, _near_of_train(data)):
        if first is not None:
            joins.join(np.column_stack([first, np.arange(len(first))]))
    _, numbers, sizes = np.unique(joins.roots(), return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(sizes))
    chosen = order[np.cumsum(sizes[order]) <= share * len(prints)]
    return np.isin(numbers, chosen)


class _Out:
    """The files that are being written, under other names until they are complete."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._open: dict[str, IO[str]] = {}
        self._file(LOG)  # it is there even when nothing is changed

    def _file(self, name: str) -> IO[str]:
        if name not in self._open:
            path = self._folder / f"{name}.part"
            self._open[name] = self._stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
        return self._open[name]

    def row(self, name: str, row: dict[str, Any]) -> None:
        text = json.dumps(row, ensure_ascii=False)
        self._file(name).write(text.encode("utf-8", "replace").decode() + "\n")

    def log(self, source: object, **what: object) -> None:
        self.row(LOG, {"row": str(source), **what})

    def finish(self) -> None:
        for name, handle in self._open.items():
            handle.close()
            os.replace(self._folder / f"{name}.part", self._folder / name)  # noqa: PTH105


def _excerpt(sample: Sample) -> str:
    whole = sample.whole
    return whole if len(whole) <= _LONGEST_EXCERPT else f"{whole[:_LONGEST_EXCERPT]} ..."
