"""The loss differs between implementations of attention.

## What it sees
Two runs of one folder, or two lines of a report, that differ in the attention kernel alone (flash, sdpa, cuDNN, eager)
and whose losses differ, or of which one has no valid loss.

## Why it matters
Attention is one formula. Implementations agree to three digits; where they do not, a kernel of this build has another
scale, another mask or a wrong gradient.

## What it does not mean
It does not say which of the two is right, though eager attention is the simplest. Padding that only one of the kernels
can use makes a difference too.

## Example
`train_fa2.log` stays at 2.2, `train_eager.log` goes from 1.6 to 1.2.

## Check it by hand
Compute the loss and the gradients of one batch with `attn_implementation="eager"` and with the kernel of the run.

## References
- https://github.com/huggingface/transformers/issues/28488
- https://github.com/hiyouga/LlamaFactory/issues/8088
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.run_pairs import ALIKE, APART, FIRST_APART, LARGE, compared
from trainclinic.signals.measured import Measured

MISSING = 'a second run with the same data and seed and `attn_implementation="eager"`'


def check(run: Measured) -> Verdict:
    """Compare runs whose names or settings give different attention kernels."""
    return compared(run, "attention", MISSING, reference=("eager", "math"))


RULE = Rule(
    code="CMP967",
    slug="loss-differing-between-attention-kernels",
    severity=Severity.HARMFUL,
    needs=("train/loss", "another run of the folder"),
    check=check,
    thresholds=(APART, FIRST_APART, ALIKE, LARGE),
    since="0.2",
)
