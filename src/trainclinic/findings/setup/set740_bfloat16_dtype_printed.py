"""What is trained is printed as bfloat16.

## What it sees
A line that gives the dtype of trainable tensors as bfloat16.

## Why it matters
bfloat16 has eight bits of precision: an update smaller than a 256th of a weight is rounded away unless a float32 copy
is kept. At small learning rates parts of the model then stand still.

## What it does not mean
It is no fault in itself: with float32 master weights in the optimizer, or with large updates, training is normal.

## Example
`trainable params dtype: torch.bfloat16`

## Check it by hand
Count the elements that differ after a hundred steps.

## References
- https://github.com/NVIDIA/apex/pull/1731
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured

MISSING = "the dtype of the trainable tensors"


def check(run: Measured) -> Verdict:
    """Look at what a check found."""
    return verdict_of(run, "trained-in-bfloat16", "trained-in-float32", MISSING)


RULE = Rule(
    code="SET740",
    slug="bfloat16-dtype-printed",
    severity=Severity.NOTE,
    needs=("events: trained-in-bfloat16", "events: trained-in-float32"),
    check=check,
    since="0.2",
)
