"""A step of the optimizer leaves trained tensors as they are, though they have a gradient.

## What it sees

Trained tensors with a gradient other than 0, compared bit by bit before and after one step of a fresh optimizer with
the run's own settings.

## Why it matters

What does not change in one step does not change in a thousand: the optimizer holds other tensors, or each update is
smaller than the weights can express.

## What it does not mean

Tensors whose gradient is exactly 0 are not counted: a factor of an adapter that waits for the other one. At a learning
rate of 0 nothing can move, and nothing is said.

## Example

The optimizer was made before the adapter: the step moves 0 of 88 tensors, whose gradients have the norm 1.9.

## Check it by hand

Copy a parameter, make one `optimizer.step()`, and compare with `torch.equal`. This probe answers the deciding tests
`trained-weights-change` and `optimizer-holds-the-model`.

## References

- https://docs.pytorch.org/docs/stable/optim.html (an optimizer holds the tensors it was given)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.probes.rule import Cost, named, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MANY = Threshold("share of tensors", 0.5, "1", "expert choice: below it most of the model still learns")


def look(live: Live) -> Verdict:
    """Find tensors with a gradient that a step does not move."""
    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    step = live.step
    if not step.rate:
        return NotEvaluated("a learning rate above 0")
    driven = [seen for seen in step.tensors if seen.gradient and math.isfinite(seen.gradient)]
    if not driven:
        return NotEvaluated("a tensor with a finite gradient other than 0")
    still = [seen for seen in driven if not seen.moved]
    seen = Evidence(
        f"one step of {step.optimizer} at {number(step.rate)} leaves {len(still):,} of {len(driven):,} tensors with a "
        "gradient as they are"
    )
    if not still:
        return Absent((seen,))
    largest = max(still, key=lambda one: one.gradient or 0.0)
    types = ", ".join(sorted({one.dtype for one in still}))
    evidence = (
        seen,
        Evidence(f"unmoved, in {types}: {named([one.name for one in still])}"),
        Evidence(f"the gradient of `{largest.name}` has the norm {number(largest.gradient or 0.0)}"),
    )
    return Present(evidence, severity=None if len(still) >= MANY.value * len(driven) else Severity.WARNING)


RULE = probe(
    code="PRB303",
    slug="trained-tensors-unmoved-by-a-step",
    severity=Severity.HARMFUL,
    question="Does one optimizer step change every trained tensor with a gradient?",
    needs=("gradients", "optimizer", "parameters"),
    look=look,
    cost=Cost.STEP,
    thresholds=(MANY,),
)
