"""The model is its base: training left nothing in it.

## What it sees

For whole weights, whether any tensor differs from that of the base (`--base`). For an adapter, whether its logits
differ from those of the base without it.

## Why it matters

Hours of training are not in the files: the optimizer did not hold the trained tensors, the learning rate was 0, an
adapter was saved before it was trained, or the wrong folder was copied.

## What it does not mean

A very low learning rate changes weights and hardly any answer; that is another symptom, the held-out loss.

## Example

All 292 tensors equal those of the base.

## Check it by hand

Compare the files of both folders tensor by tensor; for an adapter look at the norms of its `lora_B` matrices, which
start at 0.

## References

- Hu et al. 2021, LoRA, section 4.1 (B starts at zero)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number, percent
from trainclinic.validation.rule import model_rule

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

NOTHING = Threshold("change of a logit", 1e-6, "share of the largest", "float32 sums in another order move it so much")


def check(tested: Tested) -> Verdict:
    """Ask whether anything differs from the base."""
    seen = tested.weights
    if seen is None or seen.non_finite:
        return NotEvaluated("weights that are finite" if seen is not None else "the folder of the model")
    if seen.effect is not None:
        says = Evidence(f"the adapter changes logits by {number(seen.effect, 2)} of the largest")
        return Absent((says,)) if seen.effect > NOTHING.value else Present((says,))
    if not seen.compared:
        return NotEvaluated("the base (`--base`)")
    if seen.changed:
        changed = f"{seen.changed:,} of {count(seen.compared, 'tensor')} differ from the base"
        return Absent((Evidence(f"{changed}, by up to {percent(seen.change)}"),))
    return Present((Evidence(f"all {seen.compared:,} tensors equal those of the base"),))


RULE = model_rule(
    code="VAL002",
    slug="weights-equal-to-the-base",
    severity=Severity.HARMFUL,
    needs=("files of the weights", "base"),
    check=check,
    thresholds=(NOTHING,),
)
