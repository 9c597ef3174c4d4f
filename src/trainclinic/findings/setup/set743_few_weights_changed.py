"""Only a few of the trained elements changed.

## What it sees
A line that gives the share of elements that differ after training steps, and the share is below one half.

## Why it matters
Most of the model did not learn. Typical reasons are a storage whose spacing is wider than the update, a graph that is
cut, and gradients that are zero for most of the parameters.

## What it does not mean
Embedding rows of tokens that never occur do not change, so a share somewhat below one is normal for embeddings.

## Example
`changed elements: 0.4 %`

## Check it by hand
Compare the saved tensors of step 0 and step 100 element by element.

## References
- https://github.com/NVIDIA/apex/pull/1731
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured

MISSING = "the share of elements that differ after some steps"


def check(run: Measured) -> Verdict:
    """Look at what a check found."""
    return verdict_of(run, "few-weights-changed", "weights-changed", MISSING)


RULE = Rule(
    code="SET743",
    slug="few-weights-changed",
    severity=Severity.WARNING,
    needs=("events: few-weights-changed", "events: weights-changed"),
    check=check,
    since="0.2",
)
