"""Some rows are damaged: no valid JSON, cells too many or too few, fields that are missing.

## What it sees

Lines that are no valid JSON, values that are no object, table rows with more or fewer cells than the header, rows
without a field that their kind must have, and bytes that are not UTF-8. `NaN` as a value is FMT008.

## Why it matters

Most loaders stop at the first such row with an error that names no line. Those that go on drop the row, fill in nulls,
or shift the cells of a table, so that the answer of one column is trained as the prompt of another.

## What it does not mean

A damaged row is not a reason for a bad loss curve: it either stops the run or is one row of many. What can be used of
such a row is examined by the other checks all the same.

## Example

Line 3 of a JSON lines file ends in the middle of a string because the disk was full; `json.loads` raises there, and
line 4 is sound.

## Check it by hand

    python -c "import json; [json.loads(l) for l in open('data.jsonl', encoding='utf-8')]"

## References

- https://www.rfc-editor.org/rfc/rfc8259 (JSON)
- https://jsonlines.org (one value a line, UTF-8)
- https://www.rfc-editor.org/rfc/rfc4180 (CSV: as many cells in every row)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.rule import SHOWN, SINCE, where
from trainclinic.dataset.tally import Tally
from trainclinic.dataset.troubles import ROWS_MISSING, is_no_number, rows_met, selected, troubles_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

ANY = Threshold("damaged rows", 0.0, "rows", "one is enough to stop a loader, or to shift the cells of a table")
_KINDS = ("not-an-object", "uneven-columns", "missing-field", "undecodable-bytes")


def check(data: Data) -> Verdict:
    """All kinds of damage together, an example of each first."""
    rows = rows_met(data)
    if not rows:
        return NotEvaluated(ROWS_MISSING)
    broken = selected(troubles_of(data, "broken-json"), lambda hit: not is_no_number(hit))
    kinds = [one for one in (broken, *(troubles_of(data, kind) for kind in _KINDS)) if one.hits]
    found = Tally()
    for one in kinds:
        found = found.merged(one)
    if found.hits <= ANY.value:
        return Absent((Evidence(f"0 of {count(rows, 'row')} are damaged"),))
    places = {hit.source for hit in found.first}
    damaged = len(places) if found.hits == len(found.first) else min(found.hits, rows)
    firsts = [one.first[0] for one in kinds]
    rest = [hit for hit in found.first if hit not in firsts]
    ordered = [*firsts, *rest]
    head = Evidence(f"{damaged:,} of {count(rows, 'row')} are damaged", ordered[0].source)
    shown = (Evidence(hit.says, hit.source) for hit in ordered[: max(SHOWN, len(kinds))])
    more = where(Tally(rows, found.hits, ordered)) if len(kinds) <= SHOWN else ()
    return Present((head, *shown, *more))


RULE: Rule[Data] = Rule(
    code="FMT004",
    slug="broken-rows",
    severity=Severity.HARMFUL,
    needs=("rows as they are written",),
    check=check,
    thresholds=(ANY,),
    since=SINCE,
)
