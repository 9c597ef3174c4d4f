"""The two sides of a pair answer different prompts.

## What it sees

Preference pairs whose conversations part at a turn that is not the assistant's: another question, another system
prompt. Two trajectories that begin equally and part at an answer are a sound pair, whatever follows.

## Why it matters

A preference loss compares two answers to one prompt. With two prompts the difference of log-probabilities is that of
the questions, and trainers that extract the common prefix put the differing question into the answer.

## What it does not mean

White space at the ends of turns makes no other prompt. A pair whose sides have the prompt in a field of its own cannot
show this.

## Example

`chosen`: "user: Opening hours? assistant: Nine to five"; `rejected`: "user: Prices? assistant: I do not know": the two
columns were sorted apart.

## Check it by hand

    python -c "import json; print(sum(r['chosen'][0] != r['rejected'][0] for r in map(json.loads, open('p.jsonl'))))"

## References

- https://huggingface.co/docs/trl/dataset_formats (a preference with implicit prompt)
- https://arxiv.org/abs/2305.18290 (pairs of answers to one prompt, Rafailov et al. 2023)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.dataset.kinds import PAIRS, rule_among
from trainclinic.dataset.rule import Shares, quoted

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample

SOME = Threshold(
    "share of pairs", 0.01, "1", "expert choice, to be calibrated: edited prompts among thousands of pairs"
)
MANY = Threshold("share of pairs", 0.10, "1", "expert choice, to be calibrated: the columns were joined wrongly")


def find(sample: Sample) -> str | None:
    """The first turn where the sides part, if the assistant does not speak there on both."""
    for one, other in zip(sample.messages, sample.rejected, strict=False):
        is_same = one.content == other.content or one.content.strip() == other.content.strip()
        if one.role == other.role and is_same:
            continue
        if one.is_answer and other.is_answer:
            return None
        return f"{quoted(one.content, 40)} against {quoted(other.content, 40)}"
    return None


RULE = rule_among(
    PAIRS,
    code="PRF002",
    slug="different-preference-prompts",
    severity=Severity.HARMFUL,
    needs=("preference pairs",),
    find=find,
    what="have sides that answer different prompts",
    shares=Shares(SOME, MANY),
)
