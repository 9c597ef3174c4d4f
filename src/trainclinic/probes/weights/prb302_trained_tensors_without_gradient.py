"""Tensors that should be trained get no gradient.

## What it sees

The gradient of every trained tensor, for one batch before and up to four batches after a step of the optimizer. A
tensor counts when its gradient is missing or exactly 0 in all of them. The second look is for adapters: one factor
starts at zero, and the other one's gradient is therefore exactly 0 until the first step.

## Why it matters

Such a tensor stays what it is: the optimizer steps, the log looks usual, and this part of the model learns nothing.

## What it does not mean

Experts that no token was sent to, and parts for images or sound in a batch of text, get no gradient for a good reason;
where less than half of the tensors are concerned, the finding is a warning.

## Example

A layer computes under `torch.no_grad()`: all 12 tensors below it have no gradient.

## Check it by hand

After `loss.backward()` print the names of parameters with `requires_grad` whose `grad` is `None` or all zero. This
probe answers the deciding test `parameters-with-gradient`.

## References

- https://github.com/huggingface/transformers/issues/42489 (checkpointing without input gradients)
- Hu et al. 2021, LoRA, https://arxiv.org/abs/2106.09685 (one factor starts at zero)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.probes.rule import Cost, named, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MANY = Threshold("share of tensors", 0.5, "1", "expert choice: below it most of the model still learns")


def look(live: Live) -> Verdict:
    """Find trained tensors that no backward pass reaches."""
    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    try:
        step = live.step
    except RuntimeError as error:
        if "does not require grad" not in str(error):
            raise
        cut = "the loss does not depend on any trained tensor: the backward pass cannot start"
        return Present((Evidence(cut), Evidence(f"trained: {named(list(live.trained))}")))
    if not math.isfinite(step.loss) or any(seen.bad for seen in step.tensors):
        return NotEvaluated("finite weights after one step")
    missing = [seen.name for seen in step.tensors if seen.gradient is None and seen.later is None]
    zero = [seen.name for seen in step.tensors if seen.name not in missing and not seen.gradient and not seen.later]
    without = len(missing) + len(zero)
    seen = Evidence(f"{without:,} of {len(step.tensors):,} trained tensors have no gradient after one step and more")
    if not without:
        return Absent((seen,))
    evidence = [seen]
    if missing:
        evidence.append(Evidence(f"none at all: {named(missing)}"))
    if zero:
        evidence.append(Evidence(f"exactly 0: {named(zero)}"))
    is_most = without >= MANY.value * len(step.tensors)
    return Present(tuple(evidence), severity=None if is_most else Severity.WARNING)


RULE = probe(
    code="PRB302",
    slug="trained-tensors-without-gradient",
    severity=Severity.HARMFUL,
    question="Do gradients reach every trained tensor?",
    needs=("the path's own loss", "gradients", "optimizer"),
    look=look,
    cost=Cost.STEP,
    thresholds=(MANY,),
)
