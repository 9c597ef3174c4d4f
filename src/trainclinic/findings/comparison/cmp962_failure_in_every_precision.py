"""Runs in different precisions fail alike.

## What it sees
Runs of one folder in different precisions, all without a valid loss in their later half; or a note that says so.

## Why it matters
float32 neither overflows nor rounds updates away. A failure that stays there has another reason than the precision.

## What it does not mean
Setting a flag is not always enough: check that tensors really were float32.

## Example
NaN with bf16, and with float32 forced.

## Check it by hand
Print the dtype of an activation inside the forward pass of the float32 run.

## References
- https://github.com/unslothai/unsloth/issues/3385
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.shared_failures import fails_alike
from trainclinic.signals.measured import Measured

MISSING = "a second run in float32"


def check(run: Measured) -> Verdict:
    """Ask whether all runs that differ in it fail, and whether a note says so."""
    return fails_alike(run, "precision", "same-failure-in-other-precision", MISSING)


RULE = Rule(
    code="CMP962",
    slug="failure-in-every-precision",
    severity=Severity.NOTE,
    needs=("train/loss", "another run of the folder", "events: same-failure-in-other-precision"),
    check=check,
    since="0.2",
)
