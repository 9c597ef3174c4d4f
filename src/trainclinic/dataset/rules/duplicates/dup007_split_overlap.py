"""Held-out rows stand among the training rows.

## What it sees

Held-out rows that equal a training row (case and white space do not count), rows that differ from one by a few words
only, and rows of which passages of 13 words stand in training rows. Question and answer count together: an equal
question with another answer is no overlap.

## Why it matters

The evaluation then measures memory. Its loss falls with the training loss, overfitting stays hidden, and the best
checkpoint by that number is the one that remembers most. A score on such rows says nothing about new ones.

## What it does not mean

It is no reason for a bad training loss. Short answers to the same templated question can be equal by chance, and a
held-out set that is a subset of the training set on purpose (to watch memorisation) looks the same.

## Example

A set is copied three times, shuffled and then split: 96 % of the 500 held-out rows stand in the training file.

## Check it by hand

    sort train.jsonl > a; sort val.jsonl > b; comm -12 a b | wc -l

## References

- Lee et al. 2022, Deduplicating Training Data Makes Language Models Better, https://arxiv.org/abs/2107.06499
- Brown et al. 2020, Language Models are Few-Shot Learners, appendix C (13-grams), https://arxiv.org/abs/2005.14165
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.dataset.duplicates.passages import SharedPassages
from trainclinic.dataset.near_rows import near_copies, text_batches
from trainclinic.dataset.row_places import place_of
from trainclinic.dataset.row_text import target_text
from trainclinic.dataset.rule import SHOWN, SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.dataset.survey import Prints

EQUAL = Threshold("equal held-out rows", 0.0, "1", "each one is a row whose answer was shown in training")
MANY = Threshold("share of equal held-out rows", 0.01, "1", "below it a score moves by less than its own error")
NEAR = Threshold("share of nearly equal held-out rows", 0.01, "1", "expert choice, to be calibrated")
PASSAGE = Threshold("share of a row's passages", 0.5, "1", "half of what is tested was read before")
SHARED = Threshold("share of held-out rows that share passages", 0.05, "1", "expert choice: quotations stay below")


def check(data: Data) -> Verdict:
    """Compare every held-out row with all training rows."""
    held_out = data.held_out
    if held_out is None or not len(data.survey.prints):
        return NotEvaluated("held-out rows beside training rows (`--eval`)")
    total = len(held_out.prints)
    train, held = _keys(data.survey.prints), _keys(held_out.prints)
    is_equal = np.isin(held, train)
    is_near = _near(data, total) & ~is_equal
    is_shared = _shared(data, total) & ~is_equal & ~is_near
    says = [f"{int(is_equal.sum()):,} of {count(total, 'held-out row')} stand among the training rows"]
    if is_near.any():
        says.append(f"{int(is_near.sum()):,} more differ from a training row by a few words only")
    if is_shared.any():
        says.append(f"half of the passages of {count(int(is_shared.sum()), 'further row')} stand in training rows")
    shares = is_equal.mean(), is_near.mean(), is_shared.mean()
    if shares[0] <= EQUAL.value and shares[1] <= NEAR.value and shares[2] <= SHARED.value:
        return Absent((Evidence("; ".join(says)),))
    first_of = {key: at for at, key in reversed(list(enumerate(train.tolist())))}
    examples = [
        Evidence(f"the same as {place_of(data, first_of[int(held[at])])}", place_of(data, at, "held-out"))
        for at in np.flatnonzero(is_equal)[:SHOWN].tolist()
    ]
    examples += [
        Evidence("close to a training row", place_of(data, at, "held-out"))
        for at in np.flatnonzero(is_near)[: SHOWN - len(examples)].tolist()
    ]
    harmful = shares[0] > MANY.value or shares[0] + shares[1] > NEAR.value
    means = f"{percent(float(shares[0] + shares[1]))} of the evaluation measures memory."
    return Present((Evidence("; ".join(says)), *examples), means=means, severity=None if harmful else Severity.WARNING)


def _keys(prints: Prints) -> NDArray[np.uint64]:
    """A key of question and answer together; of a plain text its digest."""
    both = prints.prompt * np.uint64(0x9E3779B97F4A7C15) + prints.answer
    return np.where(prints.prompt != 0, both, prints.normal)


def _near(data: Data, total: int) -> NDArray[np.bool_]:
    """Which held-out rows are in a cluster with a training row; none without the library."""
    clusters = near_copies(data)
    if clusters is None:
        return np.zeros(total, np.bool_)
    rows = len(clusters.first) - total
    return clusters.first[rows:] < rows


def _shared(data: Data, total: int) -> NDArray[np.bool_]:
    """Which held-out rows share half of their passages with the training rows; only where all of them are kept."""
    held_out = data.held_out
    if held_out is None or not held_out.has_all:
        return np.zeros(total, np.bool_)
    passages = SharedPassages([target_text(sample) for sample in held_out.samples])
    for texts in text_batches(data, "train", target_text):
        passages.add(texts)
    return passages.shares >= PASSAGE.value


RULE: Rule[Data] = Rule(
    code="DUP007",
    slug="split-overlap",
    severity=Severity.HARMFUL,
    needs=("every training row", "every held-out row"),
    check=check,
    thresholds=(EQUAL, MANY, NEAR, PASSAGE, SHARED),
    since=SINCE,
)
