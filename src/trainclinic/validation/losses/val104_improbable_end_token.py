"""The model hardly ever ends an answer where it ends.

## What it sees

The probability of any end token right behind held-out answers, in the middle of the rows. An end token that is never
probable there was not learned.

## Why it matters

The answer may be right and then goes on: into the next question, into repetition, up to the token limit. End tokens
are lost when they are not appended, masked together with the padding, or cut off.

## What it does not mean

Open-ended texts can end anywhere: there a probability of some percent is normal. For whole answers it is not.

## Example

The end token has a probability of 0.00004 behind 64 answers.

## Check it by hand

Compute the logits at the last answer token of a row and look at the softmax at `eos_token_id`.

## References

- https://huggingface.co/docs/transformers/llm_tutorial (padding and end tokens)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, listed, number
from trainclinic.validation.rule import model_rule, not_measured

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested

RARE = Threshold(
    "probability of an end token",
    0.02,
    "1",
    "50 tokens later most answers would still go on; trained ends lie above 0.3",
)
LIKELY = Threshold("probability of an end token", 0.1, "1", "below it an answer goes on for ten tokens and more")


def check(tested: Tested) -> Verdict:
    """Look at the median probability of an end token."""
    if tested.own is None:
        return not_measured(tested, "own")
    if not tested.own.finite:
        return NotEvaluated("logits that are finite")
    seen = tested.own.end_probability
    if seen is None:
        return NotEvaluated("held-out answers that are not cut off before their end")
    ends = listed([f"`{one}`" for one in tested.tokens.ends[:3]]) if tested.tokens is not None else "an end token"
    rows = count(int(np.isfinite(tested.own.ends).sum()), "answer")
    says = f"behind {rows}, {ends} has a probability of {number(seen, 2)} (median)"
    if seen >= LIKELY.value:
        return Absent((Evidence(says),))
    milder = Severity.WARNING if seen >= RARE.value else None
    settle = "whether the end token is a target of training (`trainclinic data --show`)"
    return Present((Evidence(says),), settle=settle, severity=milder)


RULE = model_rule(
    code="VAL104",
    slug="improbable-end-token",
    severity=Severity.HARMFUL,
    needs=("held-out rows",),
    check=check,
    thresholds=(
        RARE,
        LIKELY,
    ),
)
