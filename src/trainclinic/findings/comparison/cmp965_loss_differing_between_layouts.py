"""The loss differs between two ways of spreading one computation over devices.

## What it sees
Two runs of one folder that differ in how the model or the sequence is spread (one device, DDP, a ZeRO stage, FSDP,
tensor, pipeline, context or sequence parallelism), alike otherwise, whose first losses or whose later halves differ, or
of which one has no valid loss.

## Why it matters
Spreading a computation changes where it runs and not what it computes. If the loss depends on it, weights, positions,
targets or updates are wrong in one of the layouts.

## What it does not mean
More devices see more rows per step when the batch per device is kept; then the curves differ by right.

## Example
`zero2.log` is NaN from step 2 on, `zero3.log` goes on at 11.2.

## Check it by hand
Compute the loss of one batch before the first update in both layouts; then compare the weights after one update.

## References
- https://github.com/deepspeedai/DeepSpeed/pull/7965
- https://github.com/huggingface/transformers/pull/25686
- https://github.com/thunlp/Seq1F1B/issues/6
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.run_pairs import ALIKE, APART, FIRST_APART, LARGE, compared
from trainclinic.signals.measured import Measured

MISSING = "a second run with the same data and seed on one device, or without sharding"


def check(run: Measured) -> Verdict:
    """Compare runs whose names give different layouts."""
    return compared(run, "layout", MISSING, reference=("1-device",))


RULE = Rule(
    code="CMP965",
    slug="loss-differing-between-layouts",
    severity=Severity.HARMFUL,
    needs=("train/loss", "another run of the folder"),
    check=check,
    thresholds=(APART, FIRST_APART, ALIKE, LARGE),
    since="0.2",
)
