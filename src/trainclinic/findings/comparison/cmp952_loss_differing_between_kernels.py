"""The loss differs between two implementations of one computation.

## What it sees
Two runs of one folder with different kernels (fused and plain loss, compiled and eager, flash and eager attention),
alike otherwise, whose first losses or whose later halves differ, or of which one has no valid loss.

## Why it matters
Implementations of one formula agree to rounding. If training depends on the choice, one of them has a defect, or is
used outside of what it supports.

## What it does not mean
The faster one is not always the wrong one: a plain implementation may lack a mask that the fast one applies.

## Example
`train_liger.log` ends at 8.0, `train_plain.log` at 4.6.

## Check it by hand
Compute loss and gradients of one batch with both, in float32.

## References
- https://github.com/linkedin/Liger-Kernel/issues/512
- https://github.com/pytorch/pytorch/issues/113180
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.run_pairs import ALIKE, APART, FIRST_APART, LARGE, compared
from trainclinic.signals.measured import Measured

MISSING = "a second run with the same data and seed and the plain implementation (eager, no fused loss, no compiler)"


def check(run: Measured) -> Verdict:
    """Compare runs whose names or settings give different kernels."""
    return compared(run, "kernel", MISSING, reference=("torch", "eager", "unfused", "math"))


RULE = Rule(
    code="CMP952",
    slug="loss-differing-between-kernels",
    severity=Severity.HARMFUL,
    needs=("train/loss", "another run of the folder"),
    check=check,
    thresholds=(APART, FIRST_APART, ALIKE, LARGE),
    since="0.2",
)
