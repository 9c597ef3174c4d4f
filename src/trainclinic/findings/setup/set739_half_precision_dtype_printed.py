"""What is trained is printed as float16.

## What it sees
A line that gives the dtype of trainable tensors (a set such as `{'torch.float16'}`, a table, a sentence) as float16.

## Why it matters
A float16 parameter holds no update below a two-thousandth of its size, Adam's usual epsilon is 0 there, and gradients
over 65,504 are infinite. Mixed precision keeps float32 copies for this reason.

## What it does not mean
A float16 base that is frozen is normal below adapters, and float16 activations under autocast are too.

## Example
`trainable params dtype: torch.float16`

## Check it by hand
`{str(p.dtype) for p in model.parameters() if p.requires_grad}`

## References
- https://github.com/huggingface/peft/issues/1706
- https://github.com/huggingface/transformers/issues/23165
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured

MISSING = "the dtype of the trainable tensors"


def check(run: Measured) -> Verdict:
    """Look at what a check found."""
    return verdict_of(run, "trained-in-float16", "trained-in-float32", MISSING)


RULE = Rule(
    code="SET739",
    slug="half-precision-dtype-printed",
    severity=Severity.WARNING,
    needs=("events: trained-in-float16", "events: trained-in-float32"),
    check=check,
    since="0.2",
)
