"""Rows hold NaN or infinite values, or token ids that no vocabulary has.

## What it sees

The literals `NaN`, `Infinity` and `-Infinity` as values in JSON rows, and rows that were tokenised before whose ids
are negative or above 10,000,000, or whose labels are below -1,000 or above 10,000,000.

## Why it matters

A NaN in a feature makes the loss NaN whenever its row is drawn, at the same row in every epoch and after every
resume. An empty cell that pandas wrote as `NaN` becomes the answer "nan". A NaN cast to an integer is
-9223372036854775808: as a token id it stops the GPU with an assertion.

## What it does not mean

The word "NaN" inside a text is text. The labels -100 and -1 mark positions without loss. A NaN loss has many other
reasons; one that comes at the same rows again points here.

## Example

`{"prompt": "Capital of Peru?", "completion": NaN}`: the cell was empty in the spreadsheet.

## Check it by hand

    grep -nE '[:,[] *-?(NaN|Infinity)' data.jsonl | head

## References

- https://github.com/huggingface/diffusers/issues/7563 (a stored NaN: NaN at the same sample, also after resume)
- https://www.rfc-editor.org/rfc/rfc8259#section-6 (JSON has no NaN and no infinity)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Severity, Verdict
from trainclinic.dataset.rule import SINCE, RowRule, Shares, verdict_on
from trainclinic.dataset.troubles import ROWS_MISSING, is_no_number, rows_met, selected, troubles_of

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.0, "1", "one NaN in a batch makes the loss of the whole batch NaN")
HIGHEST = Threshold("token id", 10_000_000, "id", "the largest public vocabularies have some 260,000 entries")
LOWEST = Threshold("label", -1_000, "id", "-100 and -1 mark positions without loss; no library goes lower")
_CODE = "FMT008"
_SHARES = Shares(ANY, ANY)


def find(sample: Sample) -> str | None:
    """Ids and labels that cannot be."""
    if sample.ids and not (min(sample.ids) >= 0 and max(sample.ids) <= HIGHEST.value):
        return f"token id `{min(sample.ids) if min(sample.ids) < 0 else max(sample.ids)}`"
    labels = sample.labels
    if labels and not (min(labels) >= LOWEST.value and max(labels) <= HIGHEST.value):
        return f"label `{min(labels) if min(labels) < LOWEST.value else max(labels)}`"
    return None


def check(data: Data) -> Verdict:
    """Values in JSON, and ids."""
    rows = rows_met(data)
    if not rows:
        return NotEvaluated(ROWS_MISSING)
    found = selected(troubles_of(data, "broken-json"), is_no_number).merged(data.tally(_CODE))
    found.looked = rows
    verdict = verdict_on(found, "hold a value that is no finite number", _SHARES, severity=Severity.HARMFUL, total=rows)
    if isinstance(verdict, Absent) and not data.survey.is_complete:
        return NotEvaluated("a pass over all rows, which was interrupted")
    return verdict


RULE = RowRule(
    code=_CODE,
    slug="non-finite-values",
    severity=Severity.HARMFUL,
    needs=("JSON values", "rows that were tokenised before"),
    check=check,
    thresholds=(ANY, HIGHEST, LOWEST),
    since=SINCE,
    find=find,
)
