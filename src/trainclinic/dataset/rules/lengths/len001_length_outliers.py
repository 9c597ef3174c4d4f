"""Some rows are far longer or far shorter than the rest.

## What it sees

The logarithm of the characters of each row, prompt and answers together, against the median of all rows: rows that are
more than 5 robust standard deviations (1.4826 times the median absolute deviation) away. The longest and the shortest
rows are listed. This is a note.

## Why it matters

A row of a megabyte is mostly a file that was pasted whole, or thousands of rows joined by a missing quote in a CSV
file; it is cut at the length limit, or fills the memory. Rows of a few characters are often headings and leftovers.

## What it does not mean

Texts of people have heavy tails: one row in a thousand beyond the limit is normal. The rows are not wrong for being
long, they are worth a look.

## Example

One of 12,000 rows has 3.4 million characters, the median has 900: a quote was never closed, and 3,800 rows became one.

## Check it by hand

    awk '{print length($0), NR}' data.jsonl | sort -n | sed -n '1,5p;$p'

## References

- https://doi.org/10.1016/j.jesp.2013.03.013 (outliers by the median absolute deviation, Leys et al. 2013)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.dataset.row_places import place_of, said_by
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.dataset.data import Data

FAR = Threshold("robust standard deviations", 5.0, "1", "of a normal spread one row in 1.7 million is beyond")
ROWS = Threshold("rows with text", 50, "rows", "a spread of fewer rows says little; expert choice")
_LISTED = 3
_SCALE = 1.4826
"""Standard deviations of a normal spread in one median absolute deviation."""


def check(data: Data) -> Verdict:
    """Rows whose length is far from the median."""
    prints = data.survey.prints
    lengths = prints.prompt_length.astype(np.int64) + prints.answer_length
    rows = np.flatnonzero(lengths > 0)
    if len(rows) < ROWS.value:
        return NotEvaluated(f"at least {count(int(ROWS.value), 'row')} with text")
    logs = np.log(lengths[rows])
    middle = float(np.median(logs))
    spread = _SCALE * float(np.median(np.abs(logs - middle)))
    if spread == 0:
        return NotEvaluated("lengths that differ: more than half of the rows have the same")
    away = (logs - middle) / spread
    found = rows[np.abs(away) > FAR.value]
    first = Evidence(
        f"{len(found):,} of {count(len(rows), 'row')} are more than {number(FAR.value)} robust standard deviations from"
        f" the median of {number(float(np.median(lengths[rows])), 3)} characters"
    )
    return Present((first, *_listed(data, found, lengths, np.exp(middle)))) if len(found) else Absent((first,))


def _listed(data: Data, found: NDArray[np.int64], lengths: NDArray[np.int64], middle: float) -> list[Evidence]:
    """The longest rows, then the shortest, as far as they are far away."""
    order = found[np.argsort(lengths[found], kind="stable")]
    longest = [row for row in order[::-1].tolist() if lengths[row] > middle][:_LISTED]
    shortest = [row for row in order.tolist() if lengths[row] < middle][:_LISTED]
    return [_evidence(data, row, int(lengths[row])) for row in (*longest, *shortest)]


def _evidence(data: Data, row: int, length: int) -> Evidence:
    said = said_by(data, row)
    return Evidence(count(length, "character") + (f": {said}" if said else ""), place_of(data, row))


RULE: Rule[Data] = Rule(
    code="LEN001",
    slug="length-outliers",
    severity=Severity.NOTE,
    needs=("lengths of rows",),
    check=check,
    thresholds=(FAR, ROWS),
    since=SINCE,
)
