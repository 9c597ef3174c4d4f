"""Two layouts of one computation begin with the same loss and part after an update.

## What it sees
Two runs of one folder that differ in how the model or the sequence is spread over devices, alike otherwise. Their first
losses agree within 2 %; later one of them has no valid loss, or their later halves differ.

## Why it matters
The same weights gave the same loss, so loading, positions and targets are right in both. What differs is the update:
gradients that are summed, scaled or written otherwise.

## What it does not mean
More devices take more rows per step when the batch per device is kept; then the curves part slowly and by right.

## Example
`11.20, 11.17, nan` with ZeRO-2, `11.20, 11.17, 11.20` with ZeRO-3.

## Check it by hand
Compare the gradients of the first batch in both layouts, then the weights after one update.

## References
- https://github.com/deepspeedai/DeepSpeed/pull/7965
- https://github.com/hiyouga/LlamaFactory/issues/8137
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.run_pairs import ALIKE, APART, parted
from trainclinic.signals.measured import Measured

MISSING = "a second run with the same data and seed on one device, or without sharding"


def check(run: Measured) -> Verdict:
    """Compare runs whose names give different layouts and whose first losses agree."""
    return parted(run, "layout", MISSING)


RULE = Rule(
    code="CMP970",
    slug="loss-parting-between-layouts",
    severity=Severity.WARNING,
    needs=("train/loss", "another run of the folder"),
    check=check,
    thresholds=(APART, ALIKE),
    since="0.2",
)
