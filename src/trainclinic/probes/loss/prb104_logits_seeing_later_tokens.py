"""Logits change when a later token is changed.

## What it sees

The logits of the first half of a row, twice: once as it is, and once with another token at its end. In a model that
reads from left to right they are the same.

## Why it matters

A model that sees the token it is asked to predict has nothing to learn: training and evaluation loss fall towards 0,
and what it generates, where no later token exists, is useless.

## What it does not mean

Models that are meant to read in both directions do so; this probe is about causal ones. Layers that mix the tokens of a
batch (some mixtures of experts with a capacity limit) may differ a little.

## Example

A mask of zeros was given for all positions: the logits of the first 20 tokens change by 3.1 when token 40 changes.

## Check it by hand

Change the last token of a row and compare `logits[:, :-1]` before and after. This probe answers the deciding test
`future-token-perturbation`.

## References

- https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html (`is_causal`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

SAME = Threshold("relative change", 0.02, "1", "rounding in half precision changes the largest logits by less")


def look(live: Live) -> Verdict:
    """Change the last token of one row and compare the logits before it."""
    from trainclinic.probes.comparing import change_of_earlier_logits

    found = change_of_earlier_logits(live)
    if found is None:
        return NotEvaluated("a row of eight attended tokens or more without padding before it")
    change, size, tokens = found
    seen = Evidence(
        f"with another token at its end, logits of the first {tokens:,} tokens change by {number(change)} at most "
        f"(largest logit {number(size)})"
    )
    return Present((seen,)) if not change <= SAME.value * size else Absent((seen,))


RULE = probe(
    code="PRB104",
    slug="logits-seeing-later-tokens",
    severity=Severity.HARMFUL,
    question="Are logits the same whatever comes later?",
    needs=("logits", "attention mask"),
    look=look,
    cost=Cost.FORWARD,
    thresholds=(SAME,),
)
