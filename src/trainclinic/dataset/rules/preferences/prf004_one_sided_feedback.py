"""Nearly all answers carry the same label, good or bad.

## What it sees

Rows with a single answer and a label (`"label": true`), over the kept rows: the share of the more common label, from
95 % on, and whether the other one occurs at all.

## Why it matters

The loss on single labels (KTO) weighs good answers against bad ones. With one label alone there is nothing to weigh:
all good only raises what is there, all bad only lowers it until the model speaks no more. Above 95 % the rare label
has to be weighted up by a factor of 20 and more.

## What it does not mean

Unequal numbers are allowed as long as the weights of the two sides make up for them: the usual advice is a product of
weight and number between 1:1 and 4:3.

## Example

`"label": true` in all 6,000 rows: the column was taken from a test that every answer had passed.

## Check it by hand

    python -c "import json, collections as c; print(c.Counter(json.loads(l)['label'] for l in open('data.jsonl')))"

## References

- https://arxiv.org/abs/2402.01306 (the loss and its weights, Ethayarajh et al. 2024)
- https://huggingface.co/docs/trl/kto_trainer (weights for unequal numbers)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.rule import SINCE, share_of
from trainclinic.dataset.tally import Hit, Tally

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHARE = Threshold(
    "share of one label", 0.95, "1", "expert choice, to be calibrated: the rare label needs a weight of 20"
)
ROWS = Threshold("rows with a label", 20, "rows", "among fewer rows one label alone can be chance")


def check(data: Data) -> Verdict:
    """The more common label among the kept rows that have one."""
    labelled = [sample for sample in data.survey.samples if sample.is_liked is not None]
    if len(labelled) < ROWS.value:
        return NotEvaluated(f'at least {int(ROWS.value)} rows with a label (`"label": true`)')
    liked = sum(bool(sample.is_liked) for sample in labelled)
    is_good = liked * 2 >= len(labelled)
    same = [Hit(sample.source, "") for sample in labelled if sample.is_liked is is_good]
    tally = Tally(len(labelled), len(same), same[:1])
    total = len(labelled) if data.survey.has_all else data.survey.schemas["kto"]
    says = share_of(tally, f"carry the label `{str(is_good).lower()}`", total)
    evidence = (Evidence(says, same[0].source),)
    if tally.share <= SHARE.value:
        return Absent(evidence)
    return Present(evidence, severity=None if tally.hits == tally.looked else Severity.WARNING)


RULE: Rule[Data] = Rule(
    code="PRF004",
    slug="one-sided-feedback",
    severity=Severity.HARMFUL,
    needs=("rows with a label",),
    check=check,
    thresholds=(SHARE, ROWS),
    since=SINCE,
)
