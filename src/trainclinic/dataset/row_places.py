"""Where a row stands that is known by its position in the data, and what it says.

It knows positions over all training rows, then over all held-out rows. It does not know why somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainclinic.dataset.row_text import target_text
from trainclinic.dataset.rule import quoted
from trainclinic.dataset.survey import Survey
from trainclinic.dataset.tally import MOST_HITS, Hit, Tally
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Split
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

WITHOUT_LINES = ("parquet", "arrow")
"""Containers whose rows have numbers instead of lines."""


def place_of(data: Data, row: int, split: Split = "train") -> Source:
    """The place of a row.

    Args:
        data: The data.
        row: Position among the rows of its split, from 0.
        split: Which rows.
    """
    survey = data.survey if split == "train" else data.held_out or Survey()
    shard, line = int(survey.prints.shard[row]), int(survey.prints.line[row])
    form = data.corpus.of(split).shards[shard].form
    name = survey.names[shard]
    return Source(name, None, f"row {line}") if form in WITHOUT_LINES else Source(name, line)


def sample_at(data: Data, row: int) -> Sample | None:
    """A training row by its position; `None` when not all rows were kept.

    Args:
        data: The data.
        row: Position among the training rows, from 0.
    """
    return data.survey.samples[row] if data.survey.has_all else None


def said_by(data: Data, row: int) -> str:
    """What a training row says, in back-ticks: the end of its prompt, else its text; empty when it was not kept."""
    sample = sample_at(data, row)
    if sample is None:
        return ""
    asked = next((one.content for one in reversed(sample.messages) if one.role == "user" and one.content.strip()), "")
    return quoted(asked or target_text(sample))


def tally_of(data: Data, looked: int, found: Iterable[tuple[int, str]], split: Split = "train") -> Tally:
    """Rows that show something, counted.

    Args:
        data: The data.
        looked: Rows that were looked at.
        found: Positions of the rows that show it, ascending, with what each shows.
        split: Which rows.
    """
    tally = Tally(looked)
    for row, says in found:
        tally.hits += 1
        if len(tally.first) < MOST_HITS:
            tally.first.append(Hit(place_of(data, row, split), says))
    return tally
