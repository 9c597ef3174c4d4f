"""Merging the adapter changes what the model computes.

## What it sees

Logits of a few prompts with the adapter beside the base and after `merge_and_unload`, both in float32.

## Why it matters

The merged model is what most programs load. Where merging is not exact, the model that was tested is not the one that
is used: an adapter of a kind that merges approximately, a module that is adapted twice, tied matrices.

## What it does not mean

In 16-bit formats merging always rounds; that is why it is measured in float32 only.

## Example

Merging changes the logits by 0.12 of the largest.

## Check it by hand

Compare the logits of one prompt before and after `merge_and_unload`. `trainclinic export` refuses to write such a
model.

## References

- https://huggingface.co/docs/peft/developer_guides/lora (merging)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

EXACT = Threshold(
    "change of a logit", 1e-4, "share of the largest", "float32 sums in another order differ by some 1e-6"
)


def check(tested: Tested) -> Verdict:
    """Look at the largest change of a logit."""
    if tested.kind != "adapter":
        return NotEvaluated("an adapter")
    if tested.weights is None or tested.weights.merging is None:
        return not_measured(tested, "merging", "weights in float32")
    says = Evidence(f"merging changes the logits by {number(tested.weights.merging, 2)} of the largest")
    return Present((says,)) if tested.weights.merging > EXACT.value else Absent((says,))


RULE = model_rule(
    code="VAL106",
    slug="logits-changed-by-merging",
    severity=Severity.HARMFUL,
    needs=("adapter", "logits"),
    check=check,
    thresholds=(EXACT,),
)
