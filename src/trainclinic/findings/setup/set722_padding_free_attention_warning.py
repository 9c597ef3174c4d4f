"""A trainer warns that packed samples are not kept apart by the attention implementation.

## What it sees
TRL's warnings that packing or padding-free training is on without a FlashAttention variant, or with a strategy that it
advises against, and axolotl's that `sample_packing` does not keep samples apart.

## Why it matters
Several samples lie in one row. Attention kernels that do not know where each begins let every sample see those before
it, so the model learns from contexts that it will never meet. The loss is a little worse, and evaluation on single
samples differs from training.

## What it does not mean
The loss does not stall because of it: runs with this warning learn. Old-style packing into blocks has always let
samples see each other; long pretraining hardly suffers.

## Example
`Padding-free training is enabled, but the attention implementation is not set to a supported flash attention variant.`

## Check it by hand
Sum the losses of two short samples alone and compare with the loss of both in one row: they must agree.

## References
- https://github.com/huggingface/trl/issues/3910
- https://github.com/MeetKai/functionary/issues/265
- https://github.com/huggingface/trl/pull/3526
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Present, Severity, Verdict
from trainclinic.findings.library_warnings import told, untold
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Find the warning."""
    evidence = told(run, "packing-unprotected")
    if evidence:
        return Present(evidence, settle="the summed loss of two samples alone, beside their loss in one row")
    return untold(run, "no warning about packing without a suitable attention", by=("trl", "axolotl"))


RULE = Rule(
    code="SET722",
    slug="padding-free-attention-warning",
    severity=Severity.WARNING,
    needs=("events: packing-unprotected", "framework", "versions: trl, axolotl"),
    check=check,
    since="0.2",
)
