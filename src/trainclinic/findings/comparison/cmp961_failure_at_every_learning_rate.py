"""Runs at clearly different learning rates fail alike.

## What it sees
Runs of one folder whose learning rates are three times apart or more, all without a valid loss in their later half;
or a note that says so.

## Why it matters
What fails at a third of the rate just as it fails at the full rate is not caused by the rate. The search can go on
elsewhere: precision, kernels, data, labels.

## What it does not mean
It does not show what the cause is. A rate that is too high can still be a second fault.

## Example
NaN at step 3 with 2e-5 and with 2e-6.

## Check it by hand
Run once with a rate of 0: a failure there settles it.

## References
- https://github.com/deepspeedai/DeepSpeed/issues/5347
- https://github.com/hiyouga/LlamaFactory/issues/9631
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.shared_failures import fails_alike
from trainclinic.signals.measured import Measured

MISSING = "a second run at a learning rate that is at least three times smaller"


def check(run: Measured) -> Verdict:
    """Ask whether all runs that differ in it fail, and whether a note says so."""
    return fails_alike(run, "rate", "same-failure-at-other-learning-rate", MISSING)


RULE = Rule(
    code="CMP961",
    slug="failure-at-every-learning-rate",
    severity=Severity.NOTE,
    needs=("train/loss", "another run of the folder", "events: same-failure-at-other-learning-rate"),
    check=check,
    since="0.2",
)
