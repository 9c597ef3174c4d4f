"""Padding before a text changes what the model computes for it.

## What it sees

The last logits of a few rows alone, and with seven padding tokens before them that the attention mask leaves out.

## Why it matters

Texts of different lengths share a batch only behind padding. Where it changes logits, answers depend on who else is in
the batch: a mask that is ignored, positions that count padding, an attention kernel that assumes the other side.

## What it does not mean

Differences of rounding are normal and lie some orders of magnitude lower.

## Example

Padding changes the last logits by 0.31 of the largest.

## Check it by hand

Compute the logits of one text alone and left-padded, with `attention_mask` and `position_ids`, and compare the last.

## References

- https://huggingface.co/docs/transformers/llm_tutorial (padding side)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

EXACT = Threshold("change of a logit", 1e-3, "share of the largest", "float32 differs by some 1e-6, long sums by more")
ROUNDED = Threshold(
    "change of a logit in 16 bits", 0.1, "share of the largest", "bfloat16 rounds at 0.4 %, which adds up over layers"
)


def check(tested: Tested) -> Verdict:
    """Look at the largest change of a logit."""
    if tested.padding is None:
        return not_measured(tested, "padding", "a model that can be run")
    limit = EXACT if tested.dtype == "float32" else ROUNDED
    says = Evidence(f"padding changes the last logits by {number(tested.padding, 2)} of the largest")
    return Present((says,)) if tested.padding > limit.value else Absent((says,))


RULE = model_rule(
    code="VAL108",
    slug="logits-changed-by-padding",
    severity=Severity.HARMFUL,
    needs=("logits",),
    check=check,
    thresholds=(
        EXACT,
        ROUNDED,
    ),
)
