"""Ids stand for other tokens than in the base.

## What it sees

The vocabulary of the tokenizer beside that of the base: ids that stand for another token there. Added tokens behind
the end of the vocabulary of the base are not compared.

## Why it matters

The weights know ids, not texts. Where ids were renamed, the model reads other words than those that are written, and
its losses are those of noise.

## What it does not mean

A few renamed reserved tokens (a padding token in the place of an unused one) are done on purpose and harm nothing.

## Example

31,744 of 32,000 ids stand for other tokens: id 306 is `the` here and `ing` in the base.

## Check it by hand

Compare `tokenizer.get_vocab()` of both.

## References

- https://huggingface.co/docs/transformers/main_classes/tokenizer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.validation.rule import model_rule

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

FEW = Threshold(
    "renamed ids", 0.01, "1", "some reserved tokens are renamed on purpose; another vocabulary differs in most ids"
)


def check(tested: Tested) -> Verdict:
    """Count the ids that stand for another token."""
    seen = tested.tokens
    if seen is None or not seen.shared:
        return NotEvaluated("the tokenizer of the base (`--base`)")
    if not seen.renamed:
        return Absent((Evidence(f"all {seen.shared:,} ids stand for the same tokens as in the base"),))
    at, here, there = seen.renamed[0]
    says = f"{len(seen.renamed):,} of {seen.shared:,} ids stand for other tokens: id {at} is `{here}`, there `{there}`"
    few = len(seen.renamed) <= FEW.value * seen.shared
    return Present((Evidence(says),), severity=Severity.NOTE if few else None)


RULE = model_rule(
    code="VAL005",
    slug="ids-renamed-against-the-base",
    severity=Severity.HARMFUL,
    needs=("tokenizer", "base"),
    check=check,
    thresholds=(FEW,),
)
