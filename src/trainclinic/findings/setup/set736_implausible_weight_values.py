"""Weights have magnitudes that no trained model has.

## What it sees
Printed ranges of tensors (smallest and largest value, largest magnitude) that exceed ten thousand.

## Why it matters
Such values are memory that was never filled, a damaged file or a diverged run. A head of that size makes one token
certain, so that the loss is 0 or infinite, whatever the data say.

## What it does not mean
It does not say that the learning rate was too high: before the first update it cannot have been.

## Example
`score.weight  min -1.1e+37  max 9.8e+37`

## Check it by hand
`max(p.abs().max() for p in model.parameters())`, right after loading and at the end.

## References
- https://github.com/huggingface/transformers/issues/28122
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

LARGEST = Threshold(
    "largest magnitude of a weight", 1e4, "1", "weights of language models stay below a few hundred, outliers included"
)


def check(run: Measured) -> Verdict:
    """Look at the largest magnitude that a check printed."""
    events = run.record.events_of("weight-values")
    if not events:
        return NotEvaluated(missing="the smallest and the largest value of each tensor")
    largest = max(events, key=lambda event: event.value or 0.0)
    says = f"the largest magnitude is {number(largest.value or 0.0)}: {largest.says}"
    shown = (Evidence(says, largest.source, largest.step),)
    return Present(shown) if (largest.value or 0.0) > LARGEST.value else Absent(shown)


RULE = Rule(
    code="SET736",
    slug="implausible-weight-values",
    severity=Severity.HARMFUL,
    needs=("events: weight-values",),
    check=check,
    thresholds=(LARGEST,),
    since="0.2",
)
