"""The chosen and the rejected answer of a pair are the same.

## What it sees

Preference pairs whose two sides agree in every turn, white space at the ends apart.

## Why it matters

Such a pair prefers nothing: its loss is ln 2 = 0.693 and its gradient is zero at every step. Many of them hold the
mean loss near 0.693 and the reward accuracy low, as if the model did not learn.

## What it does not mean

A few equal pairs among thousands do no harm beyond their share of the compute. Pairs that differ only behind the
length limit become equal by truncation; that is not looked at here.

## Example

144 of 220 pairs of a public set had the same plan on both sides.

## Check it by hand

    python -c "import json; print(sum(r['chosen'] == r['rejected'] for r in map(json.loads, open('pairs.jsonl'))))"

## References

- https://github.com/camel-ai/owl/issues/592 (144 of 220 rows with equal sides)
- https://github.com/natolambert/rlhf-book/pull/504 (7 % of pairs equal after truncation, no gradient)
- https://arxiv.org/abs/2305.18290 (the loss of direct preference optimisation, Rafailov et al. 2023)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.dataset.kinds import PAIRS, rule_among
from trainclinic.dataset.rule import Shares, quoted

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Message, Sample

ANY = Threshold("share of pairs", 0.0, "1", "each one is a pair without a preference")
MANY = Threshold(
    "share of pairs", 0.01, "1", "expert choice, to be calibrated: more than strays, the sides were mixed up"
)


def find(sample: Sample) -> str | None:
    """The answer that stands on both sides."""
    if not sample.rejected or len(sample.messages) != len(sample.rejected):
        return None
    if not all(map(_are_equal, sample.messages, sample.rejected)):
        return None
    if not sample.answer.strip() and not any(message.calls for message in sample.messages):
        return None
    return f"both sides say {quoted(sample.answer)}"


def _are_equal(one: Message, other: Message) -> bool:
    if (one.role, one.calls, one.reasoning) != (other.role, other.calls, other.reasoning):
        return False
    return one.content == other.content or one.content.strip() == other.content.strip()


RULE = rule_among(
    PAIRS,
    code="PRF001",
    slug="equal-preference-sides",
    severity=Severity.HARMFUL,
    needs=("preference pairs",),
    find=find,
    what="have the same answer on both sides",
    shares=Shares(ANY, MANY),
)
