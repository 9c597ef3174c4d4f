"""Activations are larger than float16 can hold.

## What it sees
A line of a hook that gives the largest magnitude of a module's output, above 65,504 or infinite.

## Why it matters
In float16 such a value is infinite, and the next subtraction makes it NaN. No learning rate changes that: it is the
model's own scale, often in the output of a feed-forward block.

## What it does not mean
In bfloat16 and float32 the same values are harmless. It does not show that training diverged.

## Example
`decoder.block.3.wo max abs 70112.0`

## Check it by hand
Run one batch in float32 with a hook on every module, and list the largest magnitudes.

## References
- https://github.com/huggingface/transformers/pull/10815
- https://github.com/huggingface/transformers/issues/4586
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import beyond
from trainclinic.signals.measured import Measured

LIMIT = Threshold("largest magnitude", 65504, "1", "the largest finite float16")
MISSING = "the largest magnitude of the output of each module"


def check(run: Measured) -> Verdict:
    """Look at the number that a check printed."""
    return beyond(run, "activation-values", lambda value: value > LIMIT.value, MISSING)


RULE = Rule(
    code="SET744",
    slug="activation-beyond-float16",
    severity=Severity.HARMFUL,
    needs=("events: activation-values",),
    check=check,
    thresholds=(LIMIT,),
    since="0.2",
)
