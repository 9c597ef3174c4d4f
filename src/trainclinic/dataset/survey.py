"""One pass over the rows: counts, digests and a fair sample, in bounded memory.

Surveys of shards join to the survey of the whole, with equal results whatever the borders. It does not know which rows
are good: the questions are handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from trainclinic.corpus.sample import Sample
from trainclinic.dataset.tally import Tally

KEPT_ROWS = 5_000
"""Rows that are kept as they are and tokenised: a share of 1 % is known to +-0.3 % from them."""
KEPT_CHARACTERS = 20_000_000
"""All rows are kept while their text is shorter than this: some 10 s of tokenising."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that is kept as it is.

    Attributes:
        lot: A number drawn for the row, the same in every run; the rows with the lowest ones are kept.
        shard: Index of its file.
        sample: The row.
    """

    lot: int
    shard: int
    sample: Sample

    @property
    def place(self) -> tuple[int, int]:
        """Position in the data."""
        return self.shard, self.sample.number


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """What is remembered of every row: digests of 64 bits and lengths, each `[rows]`, in order of the data.

    Attributes:
        whole: Digest of all text of the row.
        normal: The same without case and with white space collapsed.
        prompt: Digest of everything before the last answer, normalised; 0 for plain text.
        answer: Digest of the last answer, normalised; 0 for plain text.
        prompt_length: Characters of the prompt (0 for plain text).
        answer_length: Characters of all answers, or of the plain text.
        shard: Index of the file.
        line: Line in the file, or number of the row from 1 where the file has no lines.
    """

    whole: NDArray[np.uint64]
    normal: NDArray[np.uint64]
    prompt: NDArray[np.uint64]
    answer: NDArray[np.uint64]
    prompt_length: NDArray[np.int32]
    answer_length: NDArray[np.int32]
    shard: NDArray[np.int32]
    line: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.whole)


@dataclass(slots=True, eq=False)
class Survey:
    """What one pass saw.

    Attributes:
        rows: Rows that could be used.
        lost: Rows that could not.
        characters: Characters of all rows.
        schemas: Rows by the way they are written.
        troubles: Troubles with the form of rows and files, by kind; `looked` counts nothing there.
        tallies: Answers to the questions that were handed in, by name.
        prints: Digests of every row.
        kept: Rows that are kept as they are, in order of the data.
        names: Names of the files, by index.
        is_complete: Whether the pass came to its end.
    """

    rows: int = 0
    lost: int = 0
    characters: int = 0
    schemas: Counter[str] = field(default_factory=Counter)
    troubles: dict[str, Tally] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    prints: Prints = field(default_factory=lambda: joined_prints([]))
    kept: tuple[Kept, ...] = ()
    names: tuple[str, ...] = ()
    is_complete: bool = True

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The kept rows, in order of the data."""
        return tuple(one.sample for one in self.kept)

    @property
    def has_all(self) -> bool:
        """Whether every row was kept."""
        return len(self.kept) == self.rows


DTYPES: dict[str, type[np.generic]] = {
    "whole": np.uint64, "normal": np.uint64, "prompt": np.uint64, "answer": np.uint64, "prompt_length": np.int32,
    "answer_length": np.int32, "shard": np.int32, "line": np.int64,
}  # fmt: skip


def joined_prints(parts: Sequence[Prints]) -> Prints:
    """Several pieces as one, in order."""
    if not parts:
        return Prints(**{name: np.zeros(0, dtype) for name, dtype in DTYPES.items()})
    return Prints(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in DTYPES})


def joined(surveys: Sequence[Survey]) -> Survey:
    """The survey of all rows from those of its shards, in order.

    Args:
        surveys: One per shard; indices of files in them count from 0 and are moved on here.
    """
    whole = Survey()
    kept: list[Kept] = []
    prints: list[Prints] = []
    for one in surveys:
        base = len(whole.names)
        whole.rows += one.rows
        whole.lost += one.lost
        whole.characters += one.characters
        whole.schemas.update(one.schemas)
        whole.is_complete &= one.is_complete
        whole.names += one.names
        whole.troubles = _added(whole.troubles, one.troubles)
        whole.tallies = _added(whole.tallies, one.tallies)
        kept += [replace(row, shard=row.shard + base) for row in one.kept]
        prints.append(replace(one.prints, shard=one.prints.shard + np.int32(base)))
    whole.prints = joined_prints(prints)
    whole.kept = fair_sample(kept, whole.characters)
    return whole


def fair_sample(rows: Sequence[Kept], characters: int) -> tuple[Kept, ...]:
    """The rows to keep out of those that shards kept, in order of the data.

    Args:
        rows: What the shards kept.
        characters: Text of all rows together.
    """
    if characters <= KEPT_CHARACTERS:
        return tuple(sorted(rows, key=lambda row: row.place))
    by_lot = sorted(rows, key=lambda row: (row.lot, row.place))[:KEPT_ROWS]
    text = np.cumsum([len(row.sample.whole) for row in by_lot])
    fitting = by_lot[: int(np.searchsorted(text, KEPT_CHARACTERS, side="right"))]
    return tuple(sorted(fitting, key=lambda row: row.place))


def _added(first: dict[str, Tally], later: dict[str, Tally]) -> dict[str, Tally]:
    names = dict.fromkeys((*first, *later))
    return {name: first.get(name, Tally()).merged(later.get(name, Tally())) for name in names}
