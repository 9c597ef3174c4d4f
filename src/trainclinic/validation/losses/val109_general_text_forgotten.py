"""The model reads general text much worse than its base does.

## What it sees

The loss of a few passages of prose, instructions and code under the model and under its base.

## Why it matters

Fine-tuning on little data with a high rate for long trades what the model knew for the training rows: it speaks
fluently about them and breaks down beside them.

## What it does not mean

Some forgetting is the price of specialising, and a model for one narrow task may pay it. A base that cannot read the
passages either (a tiny model, another language) is not judged.

## Example

General text loses 1.8 nats/token more than under the base.

## Check it by hand

Compute the loss of a page of ordinary text under both models.

## References

- Luo et al. 2023, An empirical study of catastrophic forgetting in large language models during continual fine-tuning
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.validation.rule import difference, model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

SOME = Threshold(
    "general loss above that of the base",
    0.3,
    "nats/token",
    "instruction tuning with usual rates costs up to about 0.2",
)
MUCH = Threshold(
    "general loss above that of the base", 1.0, "nats/token", "the probability of every token falls to a third and less"
)
READS = Threshold("general loss of the base", 5.0, "nats/token", "models of a hundred million parameters lie below 4")


def check(tested: Tested) -> Verdict:
    """Compare both losses on the same passages."""
    if tested.general is None:
        return not_measured(tested, "general", "a model that can be run")
    if tested.general_base is None:
        return not_measured(tested, "general_base", "the base (`--base`)")
    if not (tested.general.finite and tested.general_base.finite):
        return NotEvaluated("logits that are finite")
    if tested.general_base.mean > READS.value:
        return NotEvaluated(
            f"a base that reads general text: it loses {number(tested.general_base.mean, 3)} nats/token"
        )
    found = difference(tested.general, tested.general_base)
    here, there = number(tested.general.mean, 3), number(tested.general_base.mean, 3)
    says = Evidence(f"general text loses {here} nats/token, {there} under the base")
    if found.nats <= SOME.value:
        return Absent((says,))
    return Present((says,), severity=Severity.WARNING if found.nats <= MUCH.value else None)


RULE = model_rule(
    code="VAL109",
    slug="general-text-forgotten",
    severity=Severity.HARMFUL,
    needs=("general text", "base"),
    check=check,
    thresholds=(
        SOME,
        MUCH,
        READS,
    ),
)
