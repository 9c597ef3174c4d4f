"""The loss differs between devices.

## What it sees
Two runs of one folder on different devices (`train.log` and `train_cpu.log`, or printed devices), alike otherwise,
whose first losses or whose later halves differ, or of which one has no valid loss.

## Why it matters
The same weights and the same batch give the same loss to three digits on every device. If they do not, one of the
devices computes something else, and no setting of the optimizer repairs that.

## What it does not mean
It does not say which of the two is right; a loss that a pretrained model cannot have is the wrong one. Another order
of the data or another precision makes a small difference too.

## Example
`train.log` on mps starts at 0.37, `train_cpu.log` at 2.60.

## Check it by hand
Run the same batch and weights on both devices and compare the logits, the gradients and one optimizer step.

## References
- https://github.com/pytorch/pytorch/issues/109457
- https://github.com/rasbt/LLMs-from-scratch/issues/791
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.run_pairs import ALIKE, APART, FIRST_APART, LARGE, compared
from trainclinic.signals.measured import Measured

MISSING = "a second run with the same data and seed on another device (the CPU is enough for ten steps)"


def check(run: Measured) -> Verdict:
    """Compare runs whose names or logs give different devices."""
    return compared(run, "device", MISSING, reference=("cpu",))


RULE = Rule(
    code="CMP951",
    slug="loss-differing-between-devices",
    severity=Severity.HARMFUL,
    needs=("train/loss", "another run of the folder"),
    check=check,
    thresholds=(APART, FIRST_APART, ALIKE, LARGE),
    since="0.2",
)
