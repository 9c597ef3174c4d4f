"""A set of data files, streamed: what the user pointed at, row by row.

It knows files, their splits and their rows. It does not know what good rows look like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from trainclinic.corpus.sample import Sample, Schema, Trouble

Split = Literal["train", "held-out"]


@dataclass(frozen=True, slots=True)
class Shard:
    """One data file.

    Attributes:
        path: Where it is.
        name: How the user would name it.
        form: Its container: `jsonl`, `json`, `csv`, `tsv`, `parquet`, `arrow`, `text`, `markdown`.
        compression: `gz`, `zst` or empty.
        schema: How most of its rows are written; `None` when no row could be understood.
        split: Whether models are trained on it, or judged by it.
        size: Bytes on disk.
        columns: Which field plays which part (`{"prompt": "q", "completion": "a"}`), given or found; empty where the
            schema says it all.
    """

    path: Path
    name: str
    form: str
    compression: str
    schema: Schema | None
    split: Split
    size: int
    columns: tuple[tuple[str, str], ...] = ()

    def rows(self) -> Iterator[Sample | Trouble]:
        """Every row in order, and every trouble with the form of the file where it was met; memory stays bounded.

        Raises:
            ReadError: If the file cannot be opened, or an optional library that its format needs is not installed.
        """
        from trainclinic.corpus.rows import rows_of

        return rows_of(self)


@dataclass(frozen=True, slots=True)
class Corpus:
    """The data of a run.

    Attributes:
        shards: Files in their natural order.
        title: Name for the whole: the one file or folder that was given.
        troubles: Files that could not be read at all.
    """

    shards: tuple[Shard, ...]
    title: str
    troubles: tuple[Trouble, ...] = ()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(shard.size for shard in self.shards)

    def of(self, split: Split) -> Corpus:
        """The files of one split."""
        return Corpus(tuple(shard for shard in self.shards if shard.split == split), self.title, self.troubles)

    def named(self, names: Mapping[Path, str]) -> Corpus:
        """The same files under other names.

        Args:
            names: How to call a file, by its path; others keep their name.
        """
        shards = tuple(replace(shard, name=names.get(shard.path, shard.name)) for shard in self.shards)
        return replace(self, shards=shards)
