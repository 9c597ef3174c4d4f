"""Weights are NaN or infinite after exactly one update.

## What it sees

One forward and backward pass and one step of a fresh optimizer with the run's own settings, clipping included; then the
values of every trained tensor. All of it is undone.

## Why it matters

The run is lost at its first step, and its log may hide it: a loss of 0.0 or a giant one where NaN was left out of a
mean, and empty answers.

## What it does not mean

With a finite loss and finite gradients it is not the data, and not an exploding gradient: it is the arithmetic of the
update. In float16 Adam's term that keeps a division finite, 1e-8, rounds to zero.

## Example

Adapter weights in float16 under AdamW: after one step 88 of 88 tensors hold NaN, while the loss was 2.23.

## Check it by hand

After one `optimizer.step()` count `(~torch.isfinite(p)).sum()` over the trained parameters. This probe answers the
deciding test `parameters-after-one-step`.

## References

- Kingma and Ba 2015, Adam, https://arxiv.org/abs/1412.6980 (the term epsilon)
- https://github.com/huggingface/peft/pull/1706 (adapter weights in float32)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.probes.rule import Cost, named, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live
    from trainclinic.probes.step import StepSeen


def look(live: Live) -> Verdict:
    """Count values that are not finite after one step."""
    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    step = live.step
    bad = [seen for seen in step.tensors if seen.bad > seen.was_bad]
    values = sum(seen.bad - seen.was_bad for seen in bad)
    total = sum(seen.values for seen in step.tensors)
    seen = Evidence(
        f"after one step of {step.optimizer} at {number(step.rate)}, {values:,} of {total:,} trained values in "
        f"{len(bad):,} of {len(step.tensors):,} tensors became NaN or infinite"
    )
    if not bad:
        return Absent((seen,))
    types = ", ".join(sorted({one.dtype for one in bad}))
    before = Evidence(f"before it the loss was {number(step.loss)}, the norm of the gradient {number(step.norm)}")
    names = Evidence(f"{types}: {named([one.name for one in bad])}")
    return Present((seen, before, names, *_epsilon(step)), _means(step, types))


def _epsilon(step: StepSeen) -> tuple[Evidence, ...]:
    half = any(one.dtype == "float16" and one.bad for one in step.tensors)
    if not half or step.epsilon is None or step.epsilon > 3e-8:
        return ()
    return (Evidence(f"`eps` is {number(step.epsilon)}; float16 rounds everything up to 3e-08 to zero"),)


def _means(step: StepSeen, types: str) -> str:
    if not math.isfinite(step.loss) or not math.isfinite(step.norm):
        return "The gradient was not finite before the update"
    return f"Loss and gradient were finite: the update itself failed, in {types}"


RULE = probe(
    code="PRB203",
    slug="non-finite-weights-after-one-step",
    severity=Severity.HARMFUL,
    question="Are all weights finite after one optimizer step?",
    needs=("the path's own loss", "optimizer", "parameters"),
    look=look,
    cost=Cost.STEP,
)
