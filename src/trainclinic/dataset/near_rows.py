"""Which training rows, and which held-out rows, differ little from an earlier one; found once per data set.

The rows are streamed once more, because signatures of texts that nobody asks for are not made. It does not know what
follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.corpus.sample import Sample
from trainclinic.dataset.duplicates.near import Clusters, NearDuplicates, Signer, near_duplicates_available
from trainclinic.dataset.once import asked_once

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Split
    from trainclinic.dataset.data import Data

BATCH_CHARACTERS = 4_000_000


@asked_once
def near_clusters(data: Data) -> Clusters | None:
    """Near-duplicates among the training rows, then the held-out rows behind them; `None` without the library.

    The order is that of the surveys: row `i` of the training rows is row `i`, row `j` of the held-out rows is row
    `len(training rows) + j`.
    """
    if near_duplicates_available() is not None:
        return None
    signer, store = Signer(), NearDuplicates()
    splits: tuple[Split, ...] = ("train", "held-out")
    for split in splits:
        for texts in text_batches(data, split):
            store.add(signer.sign(texts))
    return store.clusters()


def text_batches(data: Data, split: Split) -> Iterator[list[str]]:
    """The texts of every row of a split in order, some megabytes at a time.

    Args:
        data: The data.
        split: Which rows.
    """
    texts: list[str] = []
    held = 0
    for shard in data.corpus.of(split).shards:
        for row in shard.rows():
            if isinstance(row, Sample):
                texts.append(row.whole)
                held += len(row.whole)
                if held >= BATCH_CHARACTERS:
                    yield texts
                    texts, held = [], 0
    if texts:
        yield texts
