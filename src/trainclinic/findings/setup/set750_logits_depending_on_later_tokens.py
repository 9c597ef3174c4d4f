"""Logits change when only later tokens are changed.

## What it sees
A printed difference of earlier logits after tokens behind them were changed, above the noise of the arithmetic.

## Why it matters
A model that sees the token it must predict learns to copy it: the loss falls to 0 and the model is useless for text
that is not there yet.

## What it does not mean
A low loss alone is no proof of this, and neither is poor text. Differences of thousandths are rounding.

## Example
`max logit diff at t after changing future tokens: 3.2`

## Check it by hand
Change the last token of a batch and compare the logits of all positions before it.

## References
- https://github.com/huggingface/transformers/issues/48745
- https://github.com/karpathy/minGPT/issues/75
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import beyond
from trainclinic.signals.measured import Measured

LIMIT = Threshold("difference of logits", 0.05, "nats", "half precision and another batch shape give thousandths")
MISSING = "how far earlier logits move when later tokens are changed"


def check(run: Measured) -> Verdict:
    """Look at the number that a check printed."""
    return beyond(run, "logits-and-later-tokens", lambda value: value >= LIMIT.value, MISSING)


RULE = Rule(
    code="SET750",
    slug="logits-depending-on-later-tokens",
    severity=Severity.HARMFUL,
    needs=("events: logits-and-later-tokens",),
    check=check,
    thresholds=(LIMIT,),
    since="0.2",
)
