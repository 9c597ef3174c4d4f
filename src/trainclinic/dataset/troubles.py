"""Troubles with the form of files and rows, counted over training and held-out files.

It knows where troubles are kept and how many rows they touch. It does not know which of them matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trainclinic.dataset.tally import Hit, Tally

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.dataset.survey import Survey

ROWS_MISSING = "a data file with rows"
"""What is missing where there is no row to look at."""
_NO_NUMBER = ("`NaN`", "`Infinity`", "`-Infinity`")


def surveys_of(data: Data) -> tuple[Survey, ...]:
    """The passes over the training files and, where there are any, over the held-out files."""
    return (data.survey,) if data.held_out is None else (data.survey, data.held_out)


def rows_met(data: Data) -> int:
    """Rows of all files, those that could not be used among them."""
    return sum(one.rows + one.lost for one in surveys_of(data))


def troubles_of(data: Data, *kinds: str) -> Tally:
    """The places where troubles of some kinds were met.

    Args:
        data: The data.
        kinds: Names of `TROUBLES`.

    Returns:
        `looked` is the number of rows of all files; a row with several troubles of a kind counts once as long as all
        places are remembered, and the first places are ordered by kind.
    """
    whole = Tally()
    for kind in kinds:
        for one in surveys_of(data):
            whole = whole.merged(_by_place(one.troubles.get(kind, Tally())))
    whole.looked = rows_met(data)
    whole.hits = min(whole.hits, whole.looked) if whole.looked else whole.hits
    return whole


def selected(tally: Tally, wanted: Callable[[Hit], bool]) -> Tally:
    """The troubles that a condition picks; where not all places are remembered, those of the same mind throughout.

    Args:
        tally: Places with what was found there.
        wanted: Whether a place is meant.
    """
    first = [hit for hit in tally.first if wanted(hit)]
    hits = tally.hits if first and len(first) == len(tally.first) else len(first)
    return Tally(tally.looked, hits, first)


def is_no_number(hit: Hit) -> bool:
    """Whether a piece of broken JSON is `NaN` or an infinity, which JSON does not have."""
    return hit.says.startswith(_NO_NUMBER)


def _by_place(tally: Tally) -> Tally:
    """The same with one hit per place."""
    if tally.hits > len(tally.first):
        return Tally(tally.looked, tally.hits, tally.first)
    first = list({hit.source: hit for hit in reversed(tally.first)}.values())[::-1]
    return Tally(tally.looked, len(first), first)
