"""Runs on different devices fail alike.

## What it sees
Runs of one folder on different devices, all without a valid loss in their later half; or a note that says so.

## Why it matters
A failure that stays on the CPU is not a defect of the accelerator.

## What it does not mean
A run on another device often has another precision too, so look at both.

## Example
NaN on mps and on the CPU.

## Check it by hand
Print the device and the dtype of the parameters in both runs.

## References
- https://github.com/huggingface/diffusers/issues/7563
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.shared_failures import fails_alike
from trainclinic.signals.measured import Measured

MISSING = "a second run on another device (the CPU is enough for ten steps)"


def check(run: Measured) -> Verdict:
    """Ask whether all runs that differ in it fail, and whether a note says so."""
    return fails_alike(run, "device", "same-failure-on-other-device", MISSING)


RULE = Rule(
    code="CMP964",
    slug="failure-on-every-device",
    severity=Severity.NOTE,
    needs=("train/loss", "another run of the folder", "events: same-failure-on-other-device"),
    check=check,
    since="0.2",
)
