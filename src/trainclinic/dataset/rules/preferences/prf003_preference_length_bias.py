"""The chosen answers are longer than the rejected ones, nearly always.

## What it sees

Preference pairs that differ in length: the share in which the chosen side is the longer one, and the median ratio of
the two lengths in characters. Both must be high: more than 75 % of the pairs, and a median above 1.3.

## Why it matters

Length then predicts the label, and a preference loss that sums log-probabilities over tokens learns it first: rewards
and accuracy rise while answers only grow longer.

## What it does not mean

Better answers are often longer ones. Judge by a comparison at equal length, and keep the pairs in which the shorter
side was chosen. The opposite, rejected sides that are longer, is not looked at.

## Example

In 4,410 of 5,000 pairs (88 %) the chosen answer is longer, by a median factor of 1.9; after training answers have
twice the length.

## Check it by hand

    python -c "import json; print(sum(len(r['chosen']) > len(r['rejected']) for r in map(json.loads, open('p.jsonl'))))"

## References

- https://arxiv.org/abs/2310.03716 (length explains much of the reward, Singhal et al. 2023)
- https://arxiv.org/abs/2403.19159 (length against quality in direct preference optimisation, Park et al. 2024)
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.dataset.kinds import PAIRS
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

SHARE = Threshold(
    "share of pairs", 0.75, "1", "expert choice, to be calibrated: three of four pairs follow length alone"
)
RATIO = Threshold("median ratio of lengths", 1.3, "1", "expert choice, to be calibrated: below it answers hardly grow")
PAIRS_NEEDED = Threshold("pairs of different length", 50, "pairs", "from 50 pairs a share of 75 % is clearly no half")


def check(data: Data) -> Verdict:
    """Lengths of both sides over the kept pairs."""
    lengths = [both for sample in data.survey.samples if sample.rejected and (both := _lengths(sample))]
    differing = [(chosen, rejected) for chosen, rejected in lengths if chosen != rejected]
    if len(differing) < PAIRS_NEEDED.value:
        return NotEvaluated(f"at least {count(int(PAIRS_NEEDED.value), 'pair')} of different length")
    longer = sum(chosen > rejected for chosen, rejected in differing) / len(differing)
    ratio = median(chosen / rejected for chosen, rejected in lengths)
    of = "" if data.survey.has_all else f" (a fair sample of {PAIRS.rows(data):,})"
    says = (
        f"the chosen answer is the longer one in {percent(longer)} of {count(len(differing), 'pair')} of different"
        f" length{of}, the median ratio of lengths is {ratio:.2f}"
    )
    evidence = (Evidence(says),)
    return Present(evidence) if longer > SHARE.value and ratio > RATIO.value else Absent(evidence)


def _lengths(sample: Sample) -> tuple[int, int] | None:
    """Characters of the answers on both sides; `None` where a side is empty."""
    chosen = sum(map(len, sample.answers))
    rejected = sum(len(message.content) for message in sample.rejected if message.is_answer)
    return (chosen, rejected) if chosen and rejected else None


RULE: Rule[Data] = Rule(
    code="PRF003",
    slug="preference-length-bias",
    severity=Severity.WARNING,
    needs=("preference pairs",),
    check=check,
    thresholds=(SHARE, RATIO, PAIRS_NEEDED),
    since=SINCE,
)
