"""The model knows its training rows by heart, and held-out rows much worse.

## What it sees

The loss of rows that it was trained on against that of held-out rows of the same data, where its recipe is beside it.

## Why it matters

The gap is what it memorised. Small, repeated data give it; held-out answers are then hardly better than before.

## What it does not mean

Where held-out rows are of another kind, the gap says nothing.

## Example

0.02 nats/token on training rows, 1.9 on held-out rows.

## Check it by hand

Compute both losses with the same labels.

## References

- Biderman et al. 2023, Emergent and predictable memorization in large language models
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.validation.rule import model_rule

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

KNOWN = Threshold("loss of training rows", 0.2, "nats/token", "every token has a probability above 0.8")
GAP = Threshold("held-out loss above it", 0.7, "nats/token", "held-out tokens are half as probable and less")


def check(tested: Tested) -> Verdict:
    """Compare both losses."""
    if tested.own is None or tested.training is None:
        return NotEvaluated("rows that it was trained on and rows that were held out (its `recipe.yaml` names them)")
    if not (tested.own.finite and tested.training.finite):
        return NotEvaluated("logits that are finite")
    apart = tested.own.mean - tested.training.mean
    known, other = number(tested.training.mean, 3), number(tested.own.mean, 3)
    says = Evidence(f"{known} nats/token on training rows, {other} on held-out rows")
    by_heart = tested.training.mean < KNOWN.value and apart > GAP.value
    return Present((says,)) if by_heart else Absent((says,))


RULE = model_rule(
    code="VAL110",
    slug="training-rows-by-heart",
    severity=Severity.WARNING,
    needs=("held-out rows", "training rows"),
    check=check,
    thresholds=(
        KNOWN,
        GAP,
    ),
)
