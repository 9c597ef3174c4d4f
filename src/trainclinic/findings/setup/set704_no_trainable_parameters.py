"""No parameter is trainable.

## What it sees
A printed count of trainable parameters that is 0, or an error of the backward pass that found nothing which requires a
gradient.

## Why it matters
Nothing can be learned. Plain PyTorch stops with an error; some loops run on and print a loss that never moves.

## What it does not mean
It does not mean that the learning rate or the rank is too low. A count that is small but not 0 is normal for adapters.

## Example
`trainable params: 0 || all params: 6,738,415,616 || trainable%: 0.0`

## Check it by hand
`sum(p.numel() for p in model.parameters() if p.requires_grad)`

## References
- https://github.com/huggingface/peft/issues/760
- https://github.com/huggingface/peft/issues/793
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look at the printed count and at the log's own words."""
    events = run.record.events_of("no-trainable-parameters")
    if events:
        return Present(tuple(Evidence(f"the log says: {e.says}", e.source, e.step) for e in events[:2]))
    trainable = run.record.facts.get("trainable_parameter_count")
    if trainable is None:
        return NotEvaluated(missing="the number of trainable parameters (`model.print_trainable_parameters()`)")
    says = Evidence(count(int(float(trainable.value)), "trainable parameter"), trainable.source)
    return Absent((says,)) if float(trainable.value) > 0 else Present((says,))


RULE = Rule(
    code="SET704",
    slug="no-trainable-parameters",
    severity=Severity.HARMFUL,
    needs=("trainable_parameter_count", "events: no-trainable-parameters"),
    check=check,
)
