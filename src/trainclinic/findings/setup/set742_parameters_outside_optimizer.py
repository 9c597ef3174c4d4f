"""The optimizer does not hold the parameters that are trained.

## What it sees
A line that counts how many of the model's trainable parameters the optimizer holds, and the count is not all.

## Why it matters
Gradients are computed for parameters that nobody updates, so the log looks alive while the model stays as it was.

## What it does not mean
Frozen parameters need not be in the optimizer. Sharded training holds flat copies, whose identities differ.

## Example
`optimizer holds 0 of 112 trainable parameters`

## Check it by hand
Compare `{id(p) for g in optimizer.param_groups for p in g['params']}` with the ids of the trainable parameters.

## References
- https://github.com/intelligent-machine-learning/dlrover/issues/584
- https://github.com/rasbt/dora-from-scratch/pull/1
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured

MISSING = "how many trainable parameters the optimizer holds"


def check(run: Measured) -> Verdict:
    """Look at what a check found."""
    return verdict_of(run, "optimizer-misses-parameters", "optimizer-holds-parameters", MISSING)


RULE = Rule(
    code="SET742",
    slug="parameters-outside-optimizer",
    severity=Severity.HARMFUL,
    needs=("events: optimizer-misses-parameters", "events: optimizer-holds-parameters"),
    check=check,
    since="0.2",
)
