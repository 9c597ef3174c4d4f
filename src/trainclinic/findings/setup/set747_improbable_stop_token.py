"""The stop token is improbable where an answer ends.

## What it sees
A printed probability of the stop token at the end of an answer, below one third.

## Why it matters
Generation ends when the stop token is drawn. If it is improbable after a complete answer, outputs run on whatever the
sampling settings are: it was not trained there, or its rows never were.

## What it does not mean
A low probability in the middle of an answer is right. It does not mean that the answers were learned badly.

## Example
`P(<|eot_id|>) = 0.05`

## Check it by hand
Feed a training sample up to its last answer token and read the probability of the stop token.

## References
- https://github.com/meta-pytorch/torchtune/issues/2429
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import beyond
from trainclinic.signals.measured import Measured

LIMIT = Threshold("probability", 0.33, "1", "a trained stop token is the most probable one there")
MISSING = "the probability of the stop token at the end of a training sample"


def check(run: Measured) -> Verdict:
    """Look at the number that a check printed."""
    return beyond(run, "stop-probability", lambda value: value < LIMIT.value, MISSING)


RULE = Rule(
    code="SET747",
    slug="improbable-stop-token",
    severity=Severity.WARNING,
    needs=("events: stop-probability",),
    check=check,
    thresholds=(LIMIT,),
    since="0.2",
)
