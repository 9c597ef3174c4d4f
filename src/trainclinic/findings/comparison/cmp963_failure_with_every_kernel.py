"""Runs with different kernels fail alike.

## What it sees
Runs of one folder with different kernels or attention implementations, all without a valid loss in their later half;
or a note that says so.

## Why it matters
A failure that stays with the plain implementation is not a defect of the fast one.

## What it does not mean
It holds for the kernel that was exchanged, not for the others of the model.

## Example
NaN with flash attention and with eager attention.

## Check it by hand
Check in the model's configuration that the other implementation was in use.

## References
- https://github.com/huggingface/transformers/issues/28488
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.findings.shared_failures import fails_alike
from trainclinic.signals.measured import Measured

MISSING = "a second run with the plain implementation"


def check(run: Measured) -> Verdict:
    """Ask whether all runs that differ in it fail, and whether a note says so."""
    verdicts = [
        fails_alike(run, factor, "same-failure-with-other-kernel", MISSING) for factor in ("kernel", "attention")
    ]
    return next((verdict for verdict in verdicts if not isinstance(verdict, NotEvaluated)), verdicts[0])


RULE = Rule(
    code="CMP963",
    slug="failure-with-every-kernel",
    severity=Severity.NOTE,
    needs=("train/loss", "another run of the folder", "events: same-failure-with-other-kernel"),
    check=check,
    since="0.2",
)
