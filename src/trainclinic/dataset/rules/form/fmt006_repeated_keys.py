"""A key stands twice in one JSON object.

## What it sees

JSON objects, rows or messages inside rows, in which one key is written more than once.

## Why it matters

JSON leaves open what that means. Most parsers keep the last value, some the first, some raise: two tools then see two
different rows, and one of the values is lost without a word.

## What it does not mean

Two rows with the same keys are what JSON lines are made of. A key that stands once in the row and once in an object
inside it is no repetition.

## Example

`{"prompt": "Hi", "completion": "Hello", "completion": ""}` is a row with an empty answer for most parsers.

## Check it by hand

    python -c "import json; json.loads(open('row.json').read(), object_pairs_hook=lambda p: print([k for k, _ in p]))"

## References

- https://www.rfc-editor.org/rfc/rfc8259#section-4 (names within an object should be unique)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.dataset.troubles import ROWS_MISSING, rows_met, troubles_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.0, "1", "each one has lost a value")
_SHARES = Shares(ANY)


def check(data: Data) -> Verdict:
    """Rows with a key that stands twice."""
    rows = rows_met(data)
    if not rows:
        return NotEvaluated(ROWS_MISSING)
    found = troubles_of(data, "duplicate-key")
    return verdict_on(found, "write a key twice", _SHARES, severity=Severity.WARNING, total=rows)


RULE: Rule[Data] = Rule(
    code="FMT006",
    slug="repeated-keys",
    severity=Severity.WARNING,
    needs=("JSON rows",),
    check=check,
    thresholds=_SHARES.all,
    since=SINCE,
)
