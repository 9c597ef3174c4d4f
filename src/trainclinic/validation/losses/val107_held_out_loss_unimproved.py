"""Training did not lower the held-out loss.

## What it sees

The loss of the same held-out answers under the model and under its base: neither clearly lower nor clearly higher.

## Why it matters

The weights changed and the predictions of these answers did not: too few steps, too low a rate, too small an adapter,
or rows that the base knew already.

## What it does not mean

It may have learned to end its answers, or a format, which the loss of the answers does not show: read the samples.

## Example

1.42 against 1.43 nats/token under the base.

## Check it by hand

Compute the loss of the same labels under both models.

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

LOWER = Threshold(
    "difference of the losses", 0.02, "nats/token", "a short training with a usual rate lowers it by a tenth and more"
)


def check(tested: Tested) -> Verdict:
    """Compare both losses on the same rows."""
    if tested.own is None:
        return not_measured(tested, "own")
    if tested.of_base is None:
        return not_measured(tested, "of_base", "the base (`--base`)")
    if not (tested.own.finite and tested.of_base.finite):
        return NotEvaluated("logits that are finite")
    found = difference(tested.of_base, tested.own)
    says = Evidence(f"{number(tested.own.mean, 3)} against {number(tested.of_base.mean, 3)} nats/token under the base")
    is_worse = found.nats < -LOWER.value
    return Present((says,)) if abs(found.nats) <= LOWER.value and not is_worse else Absent((says,))


RULE = model_rule(
    code="VAL107",
    slug="held-out-loss-unimproved",
    severity=Severity.WARNING,
    needs=("held-out rows", "base"),
    check=check,
    thresholds=(LOWER,),
)
