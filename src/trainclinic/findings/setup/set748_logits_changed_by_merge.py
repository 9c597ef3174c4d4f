"""Logits differ between the adapter and its merged, saved or exported form.

## What it sees
A printed difference of logits between two forms of one model that rounding cannot make.

## Why it matters
What was evaluated is not what will be used: weights were merged into a rounded base, a head was tied or lost, or a
scale was applied twice.

## What it does not mean
Differences of some hundredths are the rounding of a 16-bit merge. Training is not at fault: the adapter itself is
good.

## Example
`max logits diff adapter vs merged: 5.9`

## Check it by hand
Compare the logits of one prompt in both forms, in float32.

## References
- https://github.com/huggingface/transformers/issues/45127
- https://github.com/huggingface/peft/issues/2321
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import beyond
from trainclinic.signals.measured import Measured

LIMIT = Threshold("difference of logits", 1.0, "nats", "rounding of a 16-bit merge gives tenths at most")
MISSING = "the difference of the logits before and after the merge"


def check(run: Measured) -> Verdict:
    """Look at the number that a check printed."""
    return beyond(run, "logits-and-merge", lambda value: value >= LIMIT.value, MISSING)


RULE = Rule(
    code="SET748",
    slug="logits-changed-by-merge",
    severity=Severity.HARMFUL,
    needs=("events: logits-and-merge",),
    check=check,
    thresholds=(LIMIT,),
    since="0.2",
)
