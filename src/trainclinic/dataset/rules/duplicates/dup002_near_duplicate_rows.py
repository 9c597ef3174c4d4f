"""Some rows differ from an earlier row by a few words only.

## What it sees

Rows that share at least half of their runs of three words with an earlier row, and are no exact copies of it: copies
with up to a tenth of the words edited, with another heading, with a part cut off. The similarity is estimated from 128
hashes a row (MinHash). The answers must be alike too: several questions on one passage are no copies of each other.
Words of templates do not count: system prompts, runs that stand in more than 5 % of the prompts or in more than a
quarter of the answers. Above 5 % of the rows it is a warning, above 20 % harmful.

## Why it matters

Near copies act like copies: the model learns them by heart, and a random split puts variants of one row on both sides.
Searching for equal rows does not find them.

## What it does not mean

Paraphrases share few runs of three words and are not found; augmented data that vary one sentence on purpose are.
Versions of one document may be meant.

## Example

An export holds three revisions of most answers: 28 % of the rows are near copies, none is an exact one.

## Check it by hand

    pip install text-dedup, or compare two suspicious rows with `python -c "import difflib; ..."`

For a pair: `difflib.SequenceMatcher(None, a.split(), b.split()).ratio()` above 0.85 is a near copy.

## References

- Broder 1997, On the resemblance and containment of documents, https://doi.org/10.1109/SEQUEN.1997.666900
- Lee et al. 2022, Deduplicating Training Data Makes Language Models Better, https://arxiv.org/abs/2107.06499
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.near_rows import near_copies
from trainclinic.dataset.repeats import same_rows
from trainclinic.dataset.row_places import place_of, said_by, tally_of
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.dataset.tally import MOST_HITS

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SOME = Threshold("share of rows", 0.05, "1", "expert choice, to be calibrated: fewer are found in careful data too")
MANY = Threshold("share of rows", 0.20, "1", "expert choice, to be calibrated: every fifth row is a variant")
SHARES = Shares(SOME, MANY)


def check(data: Data) -> Verdict:
    """Count rows like which an earlier one is, exact copies not counted."""
    clusters = near_copies(data)
    if clusters is None:
        return NotEvaluated("the library `rensa` (install it with `pip install 'trainclinic[data]'`)")
    rows = data.survey.rows
    first = clusters.first[:rows]
    is_near = (first != np.arange(rows)) & ~same_rows(data).is_extra
    found = [(row, _says(data, row, int(first[row]))) for row in np.flatnonzero(is_near)[:MOST_HITS].tolist()]
    tally = tally_of(data, rows, found)
    tally.hits = int(is_near.sum())
    what = "differ from an earlier row by a few words only"
    return verdict_on(tally, what, SHARES, severity=Severity.HARMFUL, total=rows)


def _says(data: Data, row: int, first: int) -> str:
    said = said_by(data, row)
    return f"close to {place_of(data, first)}" + (f": {said}" if said else "")


RULE: Rule[Data] = Rule(
    code="DUP002",
    slug="near-duplicate-rows",
    severity=Severity.HARMFUL,
    needs=("every row", "rensa"),
    check=check,
    thresholds=SHARES.all,
    since=SINCE,
)
