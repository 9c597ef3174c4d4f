"""The model computes logits that are NaN or infinite.

## What it sees

Whether every logit on held-out rows and on general text was finite.

## Why it matters

Generation takes the most probable token of a row of NaN: the first id, which decodes to nothing. Weights may be finite
and logits not, where activations overflow the number format.

## What it does not mean

On another device or in float32 the same weights may be fine: float16 ends at 65,504, and bfloat16 does not.

## Example

Logits of 8 passages are not all finite in float16.

## Check it by hand

Compute `model(**batch).logits.isfinite().all()` in float32 and in the format that you use.

## References

- Micikevicius et al. 2018, Mixed precision training (range of float16)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested


def check(tested: Tested) -> Verdict:
    """Ask of all logits that were computed."""
    seen = [one for one in (tested.own, tested.general, tested.training) if one is not None]
    if not seen:
        return not_measured(tested, "general", "a model that can be run")
    rows = sum(len(one.sums) for one in seen)
    if all(one.finite for one in seen):
        return Absent((Evidence(f"all logits of {count(rows, 'row')} are finite in {tested.dtype}"),))
    means = "Activations overflow float16" if tested.dtype == "float16" else ""
    return Present((Evidence(f"not all logits of {count(rows, 'row')} are finite in {tested.dtype}"),), means)


RULE = model_rule(
    code="VAL101",
    slug="non-finite-logits",
    severity=Severity.HARMFUL,
    needs=("logits",),
    check=check,
)
