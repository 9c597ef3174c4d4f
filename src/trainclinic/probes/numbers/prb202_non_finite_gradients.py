"""The gradient of one batch is NaN or infinite.

## What it sees

The gradient of every trained tensor after one backward pass of the run's own loss, before clipping. Where the run
scales its loss, the scale is lowered first, as a scaler would.

## Why it matters

One such value makes the norm of the whole gradient non-finite, and clipping by it makes every gradient NaN. Without a
check before the update all trained weights are lost in it.

## What it does not mean

It does not mean that the learning rate is too high: no update was made. With a finite loss, the fault lies in the
backward pass: half precision out of range, attention rows that see nothing, a defective kernel.

## Example

The loss is 2.31 and the gradient of 14 of 88 tensors is NaN: rows padded on the left have positions that see no key.

## Check it by hand

After `loss.backward()` print the names of parameters whose `grad` is not finite; then the same in float32. This probe
answers a part of the deciding tests `same-batch-in-float32` and `batch-without-padding`.

## References

- https://github.com/pytorch/pytorch/issues/41508 (NaN gradients of fully masked attention rows)
- https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html (`error_if_nonfinite`)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.probes.rule import Cost, named, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


def look(live: Live) -> Verdict:
    """Look for gradients that are not finite."""
    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    step = live.step
    judged = [seen for seen in step.tensors if seen.gradient is not None]
    if not judged:
        return NotEvaluated("a tensor with a gradient")
    bad = [seen.name for seen in judged if seen.gradient is not None and not math.isfinite(seen.gradient)]
    says = f"the loss is {number(step.loss)}, the norm of its gradient {number(step.norm)}"
    seen = Evidence(f"{says}; {len(bad):,} of {len(judged):,} gradients are not finite")
    return Present((seen, Evidence(f"not finite: {named(bad)}"))) if bad else Absent((seen,))


RULE = probe(
    code="PRB202",
    slug="non-finite-gradients",
    severity=Severity.HARMFUL,
    question="Is the gradient of one batch finite?",
    needs=("the path's own loss", "gradients"),
    look=look,
    cost=Cost.STEP,
)
