"""The run trains on another number of rows than the files hold.

## What it sees

The number of rows that the run states (a log line `Num examples`, a setting) against the rows counted here, when they
differ by more than 2 % and by more than 2 rows. Rows that cannot be used may or may not be in the run's count.

## Why it matters

A script that catches the error of its loader and goes on with built-in sample data trains perfectly on the wrong
data: a handful of rows, a loss near zero, a model that learned nothing of the user's. A count above the files' own
means that rows are repeated, split into pieces, or come from elsewhere.

## What it does not mean

Fewer rows are normal after a length filter, a split for validation or the removal of duplicates, and packing counts
sequences instead of rows. More rows are normal where each turn of a conversation becomes an example.

## Example

`train.jsonl` has 12,480 rows, the log says `Num examples = 5`: the file was not found, and five sample sentences that
stand in the script were used instead.

## Check it by hand

    wc -l train.jsonl; grep -i 'num examples' train.log

## References

- https://github.com/huggingface/transformers/blob/main/src/transformers/trainer.py (prints `Num examples`)
- https://huggingface.co/docs/trl/sft_trainer (packing)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

OFF = Threshold("difference", 0.02, "1", "expert choice: a dropped last batch and a few filtered rows stay below it")
FEW = Threshold("difference", 2, "rows", "a header, an empty last line")
SPLIT = Threshold(
    "share of rows", 0.8, "1", "a split for validation takes 1-20 % of the rows; 80/20 is the usual extreme"
)
HALF = Threshold("share of rows", 0.5, "1", "expert choice: no usual filter or split takes half of the rows")
MORE = Threshold("share of rows", 1.05, "1", "expert choice: nothing that only removes rows can add 5 %")
_EXPLAINED = "A length filter or a split for validation explains this"


def check(data: Data) -> Verdict:
    """The stated number against the counted ones."""
    stated, rows, lost = data.plan.rows, data.survey.rows, data.survey.lost
    if missing := _missing(data):
        return NotEvaluated(missing)
    used = stated.value or 0
    seen = f"the run trains on {count(used, 'row')} ({stated.by}), the files hold {rows:,}"
    evidence = (Evidence(f"{seen} and {lost:,} that cannot be used" if lost else seen),)
    most = rows + lost
    distance = max(rows - used, used - most, 0)
    if distance <= max(FEW.value, OFF.value * rows):
        return Absent(evidence)
    if used > most:
        return Present(evidence, severity=None if used > MORE.value * most else Severity.WARNING)
    if used >= SPLIT.value * rows and data.held_out is None:
        return Present(evidence, _EXPLAINED, severity=Severity.NOTE)
    if used >= HALF.value * rows:
        return Present(evidence, severity=Severity.WARNING)
    if data.preparation.packing.is_assumed:
        return Present(evidence, settle="Say whether rows are packed (`--packing`)", severity=Severity.WARNING)
    return Present(evidence)


def _missing(data: Data) -> str | None:
    if data.plan.rows.is_assumed or data.plan.rows.value is None:
        return "the number of rows that the run trains on (`--rows`)"
    if not data.survey.rows:
        return "rows of the training files"
    if data.corpus.troubles or "unreadable" in data.survey.troubles or not data.survey.is_complete:
        return "all rows of the training files: some could not be read"
    if data.preparation.packing.value:
        return "the number of rows before packing"
    return None


RULE: Rule[Data] = Rule(
    code="FMT009",
    slug="row-count-mismatch",
    severity=Severity.HARMFUL,
    needs=("number of rows that the run states",),
    check=check,
    thresholds=(OFF, FEW, SPLIT, HALF, MORE),
    since=SINCE,
)
