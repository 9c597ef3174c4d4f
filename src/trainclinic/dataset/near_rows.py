"""Which training rows, and which held-out rows, differ little from an earlier one; found once per data set.

The rows are streamed once more, because signatures of texts that nobody asks for are not made. It does not know what
follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import compress, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.corpus.sample import Sample
from trainclinic.dataset.duplicates.near import WORDS, Clusters, NearDuplicates, Signer, near_duplicates_available
from trainclinic.dataset.duplicates.words import split_words
from trainclinic.dataset.once import asked_once
from trainclinic.dataset.row_text import learned_text, media_text, own_text, rejected_text, target_text

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Shard, Split
    from trainclinic.dataset.data import Data
    from trainclinic.dataset.survey import Survey

BATCH_CHARACTERS = 4_000_000
TEMPLATE_ROWS = 2_000
"""Kept rows that are searched for templates."""
PROMPT_SHARE = 0.05
"""Share of prompts from which a run of words belongs to a template."""
TARGET_SHARE = 0.25
"""The same for answers and plain texts: copies of one row are rarer than that, forms of an answer are not."""
LEAST_ROWS = 10
SPLITS: tuple[Split, ...] = ("train", "held-out")
SEARCHED = 200
"""Rows that are searched for pictures and sounds."""
NO_RUNS = np.zeros(0, np.uint64)


@asked_once
def near_clusters(data: Data) -> Clusters | None:
    """Near-duplicates among the training rows, then the held-out rows behind them; `None` without the library.

    The order is that of the surveys: row `i` of the training rows is row `i`, row `j` of the held-out rows is row
    `len(training rows) + j`.
    """
    if near_duplicates_available() is not None:
        return None
    return _signed(data, _Signing(own_text, template_runs(data))).clusters()


@asked_once
def near_copies(data: Data) -> Clusters | None:
    """Near-duplicates that also teach nearly the same; `None` without the library.

    Several questions on one passage are near-duplicates of each other, and so are pairs that share their chosen answer:
    they are copies only where what is learned from them is alike too, and so are their pictures. Rows are numbered as
    in `near_clusters`.
    """
    clusters = near_clusters(data)
    if clusters is None:
        return None
    sides = [learned_text]
    sides += [rejected_text] if data.survey.schemas["preference"] else []
    sides += [media_text] if any(media_text(sample) for sample in data.survey.samples[:SEARCHED]) else []
    for side in sides:
        is_asked = np.bincount(clusters.first, minlength=len(clusters.first))[clusters.first] > 1
        if is_asked.any():
            alike = _signed(data, _Signing(side, NO_RUNS, is_asked=_by_file(data, is_asked))).clusters()
            clusters = _parted(clusters, np.flatnonzero(is_asked), alike)
    return clusters


def _parted(clusters: Clusters, rows: NDArray[np.int64], alike: Clusters) -> Clusters:
    """Clusters, parted where some of their rows are not alike in another way."""
    pairs = np.column_stack([clusters.first[rows], alike.first])
    groups = np.unique(pairs, axis=0, return_inverse=True)[1].ravel()
    leaders = np.full(int(groups.max()) + 1, len(clusters.first))
    np.minimum.at(leaders, groups, rows)
    first = clusters.first.copy()
    first[rows] = leaders[groups]
    return Clusters(first)


def _by_file(data: Data, flags: NDArray[np.bool_]) -> dict[Path, NDArray[np.bool_]]:
    """Flags of all rows, training rows first, by the file that they stand in."""
    found = {}
    start = 0
    for split in SPLITS:
        survey = data.survey if split == "train" else data.held_out
        if survey is not None:
            shards = data.corpus.of(split).shards
            for shard, rows in zip(shards, np.bincount(survey.prints.shard, minlength=len(shards)), strict=True):
                found[shard.path] = flags[start : start + rows]
                start += int(rows)
    return found


def _signed(data: Data, sign: _Signing) -> NearDuplicates:
    """Signatures of the training rows, then of the held-out rows."""
    store = NearDuplicates()
    for split in SPLITS:
        survey = data.survey if split == "train" else data.held_out
        if survey is None:
            continue
        for part in data.over(split, sign) if survey.is_complete else _up_to_the_interrupt(data, survey, split, sign):
            store.merge(part)
    return store


def _up_to_the_interrupt(data: Data, survey: Survey, split: Split, sign: _Signing) -> Iterator[NearDuplicates]:
    """The rows that an interrupted survey saw."""
    rows = np.bincount(survey.prints.shard, minlength=len(survey.names)).tolist()
    for shard, seen in zip(data.corpus.of(split).shards, rows, strict=False):
        yield replace(sign, most=seen)(shard)


@dataclass(frozen=True, slots=True)
class _Signing:
    """The work on one file, as it travels to another process.

    Attributes:
        text_of: The text of a row.
        common: Runs of words that make no two rows alike.
        most: Rows after which to stop, where the survey was interrupted.
        is_asked: Which rows of each file to sign; all of them when omitted.
    """

    text_of: Callable[[Sample], str]
    common: NDArray[np.uint64]
    most: int | None = None
    is_asked: Mapping[Path, NDArray[np.bool_]] | None = None

    def __call__(self, shard: Shard) -> NearDuplicates:
        signer, store = Signer(common=self.common), NearDuplicates()
        rows: Iterable[Sample] = islice((row for row in shard.rows() if isinstance(row, Sample)), self.most)
        if self.is_asked is not None:
            rows = compress(rows, self.is_asked[shard.path].tolist())
        for texts in _texts_of(rows, self.text_of):
            store.add(signer.sign(texts))
        return store


@asked_once
def template_runs(data: Data) -> NDArray[np.uint64]:
    """Hashes of the runs of words that templates bring into many rows, ascending: they make no two rows alike.

    Args:
        data: The data, of which kept rows are looked at.
    """
    rows = data.survey.samples[:: len(data.survey.samples) // TEMPLATE_ROWS + 1]
    prompts = [sample.prompt for sample in rows if sample.messages]
    targets = [target_text(sample) for sample in rows]
    found = [_in_many(prompts, PROMPT_SHARE), _in_many(targets, TARGET_SHARE)]
    return np.unique(np.concatenate(found))


def _in_many(texts: list[str], share: float) -> NDArray[np.uint64]:
    """Runs that stand in more than a share of texts, and in more than a few."""
    runs = split_words(texts).ngrams(WORDS)
    row = np.repeat(np.arange(len(texts)), runs.counts)
    order = np.lexsort((row, runs.hashes))
    hashes, row = runs.hashes[order], row[order]
    is_new = np.ones(len(hashes), np.bool_)
    is_new[1:] = (hashes[1:] != hashes[:-1]) | (row[1:] != row[:-1])
    found, rows = np.unique(hashes[is_new], return_counts=True)
    return found[rows > max(share * len(texts), LEAST_ROWS)]


def text_batches(data: Data, split: Split, text_of: Callable[[Sample], str]) -> Iterator[list[str]]:
    """The texts of every row of a split in order, some megabytes at a time.

    Args:
        data: The data.
        split: Which rows.
        text_of: The text of a row.
    """
    for shard in data.corpus.of(split).shards:
        yield from _texts_of((row for row in shard.rows() if isinstance(row, Sample)), text_of)


def _texts_of(rows: Iterable[Sample], text_of: Callable[[Sample], str]) -> Iterator[list[str]]:
    texts: list[str] = []
    held = 0
    for row in rows:
        texts.append(text_of(row))
        held += len(texts[-1])
        if held >= BATCH_CHARACTERS:
            yield texts
            texts, held = [], 0
    if texts:
        yield texts
