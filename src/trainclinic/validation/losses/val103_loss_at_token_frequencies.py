"""The model predicts answers no better than the frequencies of their tokens do.

## What it sees

The loss of held-out answers against the entropy of their tokens taken one by one: what a guess loses that knows how
frequent every token is, and nothing about the question or the word before.

## Why it matters

A language model that reads its own language is far below. At that level it makes no use of context: its embedding or
attention is broken, ids were renamed, weights were left at random, or it never learned this kind of text.

## What it does not mean

With few or very short answers the frequencies of the tokens are hardly known; the rule then says nothing.

## Example

The loss is 7.1 nats/token, and token frequencies alone give 5.2.

## Check it by hand

Count the tokens of the answers, compute -sum(p ln p), and compare with the loss.

## References

- Shannon 1951, Prediction and entropy of printed English
- Miller 1955 (bias of the entropy of counts)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

NEAR = Threshold("loss over entropy", 0.9, "1", "models that read their language lie below half of it")


def check(tested: Tested) -> Verdict:
    """Compare the loss with the entropy of single tokens."""
    if tested.own is None:
        return not_measured(tested, "own")
    if tested.unigram is None:
        return NotEvaluated("answers with at least 50 tokens")
    if not tested.own.finite:
        return NotEvaluated("logits that are finite")
    loss, guess = number(tested.own.mean, 3), number(tested.unigram, 3)
    says = f"the loss is {loss} nats/token, and token frequencies alone give {guess}"
    if tested.own.mean < NEAR.value * tested.unigram:
        return Absent((Evidence(says),))
    return Present((Evidence(says),), settle="the loss of the base on the same rows (`--base`)")


RULE = model_rule(
    code="VAL103",
    slug="loss-at-token-frequencies",
    severity=Severity.HARMFUL,
    needs=("held-out rows",),
    check=check,
    thresholds=(NEAR,),
)
