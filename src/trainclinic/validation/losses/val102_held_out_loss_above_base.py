"""The model predicts held-out answers worse than its base does.

## What it sees

The loss of the same held-out answers under the model and under its base, row by row, as a difference with its 95 %
interval.

## Why it matters

Training was meant to lower this number. Where it rose, the model was trained on other targets than these answers,
diverged, forgot by too high a rate, or an adapter sits on a base that it was not trained on.

## What it does not mean

Rows of another task than the training data may get worse although training worked: name rows of the same kind.

## Example

The model loses 1.9 ± 0.3 nats/token more than its base over 64 rows.

## Check it by hand

Compute the loss of the same labels under both models; mask the prompt in both.

## References

- Cochran 1977, Sampling techniques, section 6.3 (interval of a ratio)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.validation.rule import difference, model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

HIGHER = Threshold(
    "difference of the losses", 0.05, "nats/token", "smaller ones are seen between seeds of the same training"
)


def check(tested: Tested) -> Verdict:
    """Compare both losses on the same rows."""
    if tested.own is None:
        return not_measured(tested, "own")
    if tested.of_base is None:
        return not_measured(tested, "of_base", "the base (`--base`)")
    if not (tested.own.finite and tested.of_base.finite):
        return NotEvaluated("logits that are finite")
    found = difference(tested.own, tested.of_base)
    says = f"{number(tested.own.mean, 3)} against {number(tested.of_base.mean, 3)} under the base: {found} more"
    if found.nats <= HIGHER.value or found.nats <= found.spread:
        lower = f"{number(tested.own.mean, 3)} against {number(tested.of_base.mean, 3)} nats/token under the base"
        return Absent((Evidence(f"{lower}, over {found.rows:,} rows"),))
    return Present((Evidence(says),), settle="the loss of a few training rows under both")


RULE = model_rule(
    code="VAL102",
    slug="held-out-loss-above-base",
    severity=Severity.HARMFUL,
    needs=("held-out rows", "base"),
    check=check,
    thresholds=(HIGHER,),
)
