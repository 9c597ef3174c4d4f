"""A field holds values of several types: text in most rows, a number, a list or JSON inside a string in others.

## What it sees

Rows in which a field of the conversation has another type than that field has elsewhere: a number where text is
expected, a list instead of a string, a list of messages written as one string of JSON.

## Why it matters

Columnar loaders give each column one type and stop at the first row that differs. Code that goes on formats `42`,
`None` or `[{"role": ...}]` into the prompt, brackets and all.

## What it does not mean

An answer that is JSON on purpose (tool calls, extraction) is text like any other. Cells of CSV files are always text.
Where every row holds a number (labels of classes) the field has one type, and only whoever formats it must write it as
text: that is noted without alarm.

## Example

`"output": 7` in 12 of 4,000 rows of sums, `"output": "seven"` in all others.

## Check it by hand

    python -c "import json; print({type(json.loads(l)['output']) for l in open('data.jsonl')})"

## References

- https://github.com/huggingface/datasets/issues/7322 (a column that changes from object to array)
- https://github.com/huggingface/datasets/issues/6106 (numbers and text in one column)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.dataset.troubles import ROWS_MISSING, rows_met, troubles_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.0, "1", "a typed loader stops at the first one")
ALL = Threshold("share of rows", 0.99, "1", "then it is the type of the field, not a stray")
_SHARES = Shares(ANY)
_ONE_TYPE = "Nearly all rows hold it: one type, which has to be written as text before it is tokenised"


def check(data: Data) -> Verdict:
    """Rows with a value of another type."""
    rows = rows_met(data)
    if not rows:
        return NotEvaluated(ROWS_MISSING)
    found = troubles_of(data, "wrong-type")
    verdict = verdict_on(found, "hold a value of another type", _SHARES, severity=Severity.WARNING, total=rows)
    if isinstance(verdict, Present) and found.share > ALL.value:
        return Present(verdict.evidence, _ONE_TYPE, severity=Severity.NOTE)
    return verdict


RULE: Rule[Data] = Rule(
    code="FMT005",
    slug="mixed-value-types",
    severity=Severity.WARNING,
    needs=("types of fields",),
    check=check,
    thresholds=(ANY, ALL),
    since=SINCE,
)
