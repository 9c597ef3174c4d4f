"""A check found trained parameters without a gradient.

## What it sees
A line that counts or names parameters whose gradient is None after the backward pass.

## Why it matters
The optimizer leaves out what has no gradient: these parameters stay as they were.

## What it does not mean
Parameters that a batch does not use (an expert, an unused head) have no gradient in that batch either.

## Example
`p.grad is None: 112 of 112`

## Check it by hand
After one backward pass list the names of trainable parameters with `p.grad is None`.

## References
- https://github.com/cloneofsimo/lora/issues/26
- https://github.com/microsoft/LoRA/issues/120
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured

MISSING = "the number of trainable parameters whose gradient is None"


def check(run: Measured) -> Verdict:
    """Look at what a check found."""
    return verdict_of(run, "gradients-missing", "gradients-there", MISSING)


RULE = Rule(
    code="SET741",
    slug="missing-gradients-report",
    severity=Severity.WARNING,
    needs=("events: gradients-missing", "events: gradients-there"),
    check=check,
    since="0.2",
)
