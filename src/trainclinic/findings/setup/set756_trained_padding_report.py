"""A check found labels on padding.

## What it sees
Lines of a report in which padding carries labels: labels at pad positions, or rows with more trained tokens than real
ones.

## Why it matters
That a pad follows a pad is learned at once. The mean is then made of free tokens, it depends on how rows are batched,
and the model learns to write pads.

## What it does not mean
A label on the first end token is right, also where the padding token is the same one.

## Example
`row 0: 512 tokens, 61 real, 451 pad, trained tokens 512`

## Check it by hand
Count `(labels != -100) & (attention_mask == 0)` in one batch: it must be 0.

## References
- https://github.com/axolotl-ai-cloud/axolotl/pull/2227
- https://github.com/huggingface/transformers/issues/22794
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look at what reports say about padding and labels."""
    return verdict_of(run, "trained-padding", "masked-padding", "the labels at the pad positions of a batch")


RULE = Rule(
    code="SET756",
    slug="trained-padding-report",
    severity=Severity.HARMFUL,
    needs=("events: trained-padding", "events: masked-padding"),
    check=check,
    since="0.2",
)
