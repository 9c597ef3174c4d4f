"""Rows are written in several ways.

## What it sees

Rows that name their fields otherwise than most rows of their file (`messages` among `instruction`/`output`), and rows
whose fields belong to no known way of writing training data. Files that agree within themselves and differ from each
other are noted without alarm.

## Why it matters

A formatting function reads the fields that it knows. Rows of another schema become `None`, an empty prompt, or an
exception; table loaders fill the missing columns of every row with nulls.

## What it does not mean

Several files with one schema each are how many frameworks mix data sets: each file then has its own mapping. Further
fields beside the known ones (`id`, `source`, `score`) are no other schema.

## Example

In 940 of 1,000 rows `{"instruction": ..., "output": ...}`, in 60 `{"messages": [...]}`: a run that formats
`row["output"]` trains on 60 empty answers.

## Check it by hand

    python -c "import json, collections; print(collections.Counter(tuple(json.loads(l)) for l in open('data.jsonl')))"

## References

- https://huggingface.co/docs/trl/dataset_formats (which fields each kind of training reads)
- https://huggingface.co/docs/datasets/about_dataset_features (one set of columns for all rows)
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.dataset.troubles import ROWS_MISSING, rows_met, surveys_of, troubles_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

ODD = Threshold(
    "share of rows", 0.02, "1", "expert choice, to be calibrated: fewer are strays that loaders drop or null"
)
MANY = Threshold(
    "share of rows", 0.10, "1", "expert choice, to be calibrated: one tenth of the loss comes from misread rows"
)
_SHARES = Shares(ODD, MANY)
_SEVERAL = "Rows of one file agree; whoever joins the files needs a mapping for each way of writing"


def check(data: Data) -> Verdict:
    """Rows that differ from their file first, then files that differ from each other."""
    rows = rows_met(data)
    if not rows:
        return NotEvaluated(ROWS_MISSING)
    odd = troubles_of(data, "other-schema", "unknown-fields")
    ways = sum((one.schemas for one in surveys_of(data)), Counter[str]())
    listed = Evidence(", ".join(f"`{name}` {number:,}" for name, number in ways.most_common()) or "no known schema")
    what = "are written otherwise than their file, or in no known way"
    verdict = verdict_on(odd, what, _SHARES, severity=Severity.HARMFUL, total=rows)
    if isinstance(verdict, Present):
        return Present((*verdict.evidence, listed), severity=verdict.severity)
    if not odd.hits and ways and ways.most_common(1)[0][1] < (1 - ODD.value) * sum(ways.values()):
        return Present((listed,), _SEVERAL, severity=Severity.NOTE)
    return Absent((*verdict.evidence, listed)) if isinstance(verdict, Absent) else verdict


RULE: Rule[Data] = Rule(
    code="FMT002",
    slug="mixed-schemas",
    severity=Severity.HARMFUL,
    needs=("names of fields",),
    check=check,
    thresholds=_SHARES.all,
    since=SINCE,
)
