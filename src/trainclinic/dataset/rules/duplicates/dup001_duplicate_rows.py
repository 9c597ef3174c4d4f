"""Some rows stand in the data more than once.

## What it sees

Rows whose whole text, prompt and answer, equals that of an earlier row once case and white space are ignored. Of three
equal rows two are counted. Both sides of a preference pair, its label, tool calls and thoughts belong to the text;
plain texts under 40 characters are not compared. Above 1 % of the rows it is a warning, above 10 % harmful.

## Why it matters

A row that stands in the data n times is seen n times in every epoch: it is learned by heart first, weighs n times as
much as others, and where copies fall on both sides of a split the evaluation measures memory. Repeating 0.1 % of
the data 100 times cost a model of 800 million parameters half its size in one study.

## What it does not mean

Weighting on purpose looks the same: good rows are often repeated to be seen more often. Classification of short texts
has natural duplicates. Copies do not make a loss diverge.

## Example

A file of 10,000 rows was written by appending two exports; 1,400 rows are in both, the training loss ends at 0.3 and
the answers to unseen questions do not improve.

## Check it by hand

    sort data.jsonl | uniq -d | wc -l

It counts different lines that occur more than once; lines that differ in a field beside the text are missed.

## References

- Lee et al. 2022, Deduplicating Training Data Makes Language Models Better, https://arxiv.org/abs/2107.06499
- Hernandez et al. 2022, Scaling Laws and Interpretability of Learning from Repeated Data,
  https://arxiv.org/abs/2205.10487
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.duplicates.exact import groups_of
from trainclinic.dataset.repeats import extras, same_rows
from trainclinic.dataset.row_places import place_of, said_by, tally_of
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.dataset.tally import MOST_HITS

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SOME = Threshold("share of rows", 0.01, "1", "expert choice, to be calibrated: below it copies weigh little")
MANY = Threshold("share of rows", 0.10, "1", "expert choice, to be calibrated: every tenth row teaches nothing new")
SHARES = Shares(SOME, MANY)


def check(data: Data) -> Verdict:
    """Count rows that an earlier row makes superfluous."""
    groups = same_rows(data)
    found = [(row, _says(data, row, first)) for row, first in extras(groups, MOST_HITS)]
    tally = tally_of(data, data.survey.rows, found)
    tally.hits = groups.extra
    verdict = verdict_on(tally, "repeat an earlier row", SHARES, severity=Severity.HARMFUL, total=data.survey.rows)
    if not isinstance(verdict, Present):
        return verdict
    raw = groups_of(data.survey.prints.whole)
    exact = int((groups.is_extra & raw.is_extra).sum())
    most = int(groups.sizes.argmax())
    told = Evidence(
        f"{exact:,} of these {count(groups.extra, 'copy').replace('copys', 'copies')} agree to the last character; "
        f"the most frequent row stands {int(groups.sizes[most]):,} times",
        place_of(data, most),
    )
    return Present((*verdict.evidence, told), severity=verdict.severity)


def _says(data: Data, row: int, first: int) -> str:
    said = said_by(data, row)
    return f"the same as {place_of(data, first)}" + (f": {said}" if said else "")


RULE: Rule[Data] = Rule(
    code="DUP001",
    slug="duplicate-rows",
    severity=Severity.HARMFUL,
    needs=("every row",),
    check=check,
    thresholds=SHARES.all,
    since=SINCE,
)
