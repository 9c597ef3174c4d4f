"""Take the survey: stream the rows of a corpus once, in one process, several, or on Ray.

It knows how rows are walked and shards are shared out. It does not know what is asked of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.corpus.sample import Sample, Trouble
from trainclinic.dataset.duplicates.exact import digests, normal_digests
from trainclinic.dataset.row_text import answer_text, prompt_text, whole_text
from trainclinic.dataset.survey import (
    DTYPES,
    KEPT_CHARACTERS,
    KEPT_ROWS,
    Kept,
    Prints,
    Survey,
    fair_sample,
    joined,
    joined_prints,
)
from trainclinic.dataset.tally import Tally
from trainclinic.record.errors import ReadError
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Corpus, Shard

Find = Callable[[Sample], str | None]
Progress = Callable[[int], None]
"""Told the number of characters that were looked at since the last call."""
Share = Callable[[Callable[["Shard"], Any], Sequence["Shard"]], Sequence[Any]]
"""Runs a function on every shard, somewhere, and gives the results back in order."""
BATCH_ROWS = 2_000
BATCH_CHARACTERS = 8_000_000


@dataclass(slots=True, eq=False)
class _Keeping:
    """The rows with the lowest lots, as many as may be kept; all of them while there is little text."""

    heap: list[tuple[int, int, Kept]] = field(default_factory=list)
    seen: int = 0
    held: int = 0
    ceiling: int = 1 << 64

    def add(self, row: Kept, characters: int) -> None:
        self.seen += characters
        if row.lot >= self.ceiling:
            return
        heapq.heappush(self.heap, (-row.lot, -row.sample.number, row))
        self.held += characters
        while self.seen > KEPT_CHARACTERS and (len(self.heap) > KEPT_ROWS or self.held > KEPT_CHARACTERS):
            lot, _, gone = heapq.heappop(self.heap)
            self.ceiling = min(self.ceiling, -lot)
            self.held -= len(gone.sample.whole)


def survey(
    corpus: Corpus, questions: Mapping[str, Find], *, progress: Progress | None = None, share: Share | None = None
) -> Survey:
    """Look at every row once.

    Args:
        corpus: The files.
        questions: What to ask of each row, by name.
        progress: Told of the characters that were looked at; only without `share`.
        share: How to run the shards elsewhere; in this process by default, where an interrupt from the keyboard ends
            the pass early and keeps what it has.
    """
    if share is not None:
        work = _Shard(dict(questions))
        return joined(share(work, corpus.shards))
    found = []
    for shard in corpus.shards:
        found.append(survey_shard(shard, questions, progress))
        if not found[-1].is_complete:
            break
    whole = joined(found)
    whole.is_complete = whole.is_complete and len(found) == len(corpus.shards)
    return whole


@dataclass(frozen=True, slots=True)
class _Shard:
    """The work on one shard, as it travels to another process."""

    questions: dict[str, Find]

    def __call__(self, shard: Shard) -> Survey:
        return survey_shard(shard, self.questions)


def survey_shard(shard: Shard, questions: Mapping[str, Find], progress: Progress | None = None) -> Survey:
    """Look at every row of one file once.

    Args:
        shard: The file.
        questions: What to ask of each row, by name.
        progress: Told of the characters that were looked at.
    """
    found = Survey(names=(shard.name,), tallies={name: Tally() for name in questions})
    keeping, prints = _Keeping(), list[Prints]()
    try:
        for batch in _batches(shard, found):
            prints.append(_prints_of(batch))
            for sample in batch:
                for name, find in questions.items():
                    found.tallies[name].add(sample.source, find(sample))
            before = found.characters
            for sample in batch:
                keeping.add(Kept(_lot(shard.name, sample.number), 0, sample), len(sample.whole))
                found.characters += len(sample.whole)
                found.schemas[sample.schema] += 1
            found.rows += len(batch)
            if progress:
                progress(found.characters - before)
    except KeyboardInterrupt:
        found.is_complete = False
    found.prints = joined_prints(prints)
    found.kept = fair_sample([row for _, _, row in keeping.heap], found.characters)
    return found


def _batches(shard: Shard, found: Survey) -> Iterator[list[Sample]]:
    batch: list[Sample] = []
    held = 0
    try:
        for row in shard.rows():
            if isinstance(row, Trouble):
                _count_trouble(found, row)
                continue
            batch.append(row)
            held += len(row.whole)
            if len(batch) >= BATCH_ROWS or held >= BATCH_CHARACTERS:
                yield batch
                batch, held = [], 0
    except ReadError as error:
        _count_trouble(found, Trouble("unreadable", error.message, Source(shard.name), loses_row=False))
    if batch:
        yield batch


def _count_trouble(found: Survey, trouble: Trouble) -> None:
    found.lost += trouble.loses_row
    found.troubles.setdefault(trouble.kind, Tally()).add(trouble.source, trouble.says)


def _prints_of(batch: Sequence[Sample]) -> Prints:
    wholes = [whole_text(sample) for sample in batch]
    is_chat = np.array([bool(sample.messages) for sample in batch])
    columns = {
        "whole": digests([text.encode("utf-8", "surrogatepass") for text in wholes]),
        "normal": normal_digests(wholes),
        "prompt": np.where(is_chat, normal_digests([prompt_text(sample) for sample in batch]), 0),
        "answer": np.where(is_chat, normal_digests([answer_text(sample) for sample in batch]), 0),
        "prompt_length": [len(sample.prompt) for sample in batch],
        "answer_length": [sum(map(len, sample.answers)) if sample.messages else len(sample.text) for sample in batch],
        "shard": [0] * len(batch),
        "line": [sample.source.line or sample.number + 1 for sample in batch],
    }
    return Prints(**{name: np.asarray(values, dtype=DTYPES[name]) for name, values in columns.items()})


def _lot(name: str, number: int) -> int:
    """A number that is the same for a row in every run and on every machine, and otherwise random."""
    return int.from_bytes(blake2b(f"{name}:{number}".encode(), digest_size=8).digest(), "big")
