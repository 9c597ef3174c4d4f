"""Rows from different sources stand in blocks.

## What it sees

Two things. A field that names a source (`source`, `category`, `dataset`, `lang`, `task` ...) whose values come in
blocks: far fewer changes from row to row than in shuffled rows. And words: the frequencies of the 2,000 most common
words in each tenth of the rows are compared with all rows (Jensen-Shannon divergence), and with 200 shuffles of whole
rows, in which up to ten neighbours about one thing, such as questions on one passage, stay together.

## Why it matters

A loader that does not shuffle trains on one source after the other: the loss jumps at the borders, and what came first
is forgotten. A validation split that is cut from the end of such a file tests on another source than was trained on.

## What it does not mean

Loaders that shuffle (the Hugging Face Trainer does) mix the blocks, and the order of the file then does not matter. A
drift of words along one source, as in a diary or a forum over years, is no fault of the data.

## Example

The tenths of a file of letters and forum posts: divergence 0.037 to 0.041 in the first seven, 0.056 to 0.063 in the
last three, 0.022 when rows are shuffled.

## Check it by hand

Look at ten rows from the beginning, the middle and the end of the file.

## References

- Lin 1991, Divergence Measures Based on the Shannon Entropy, https://doi.org/10.1109/18.61115
- https://huggingface.co/docs/datasets/process (shuffle)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.drift import drift_of, neighbours
from trainclinic.dataset.near_rows import template_runs
from trainclinic.dataset.row_text import own_text
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

FEWEST = Threshold("rows", 200, "rows", "tenths of fewer rows differ by chance")
CHANCE = Threshold("share of shuffles that are as far apart", 0.01, "1", "one alarm in a hundred sound files")
FACTOR = Threshold("divergence over that of shuffled rows", 1.3, "1", "real blocks lie at 1.6 and more")
CHANGES = Threshold("changes of source over those of shuffled rows", 0.3, "1", "blocks change at their borders only")
TENTHS = 10
SOURCES = frozenset(
    ("source", "category", "dataset", "lang", "language", "task", "task_type", "domain", "subset", "topic")
)


def check(data: Data) -> Verdict:
    """Look at the sources that rows name, then at their words."""
    samples = data.survey.samples
    if len(samples) < FEWEST.value:
        return NotEvaluated(f"at least {FEWEST.value:.0f} rows")
    found = _named(data)
    labels = np.arange(len(samples)) * TENTHS // len(samples)
    texts = [own_text(sample) for sample in samples]
    drift = drift_of(texts, labels, neighbours(texts, template_runs(data)))
    says = (
        f"word frequencies of the tenths lie {min(drift.distances):.3f} to {drift.largest:.3f} nats from those of all "
        f"rows; {drift.typical:.3f} when rows are shuffled"
    )
    if drift.chance < CHANCE.value and drift.largest > FACTOR.value * drift.typical:
        found.append(Evidence(says))
    if not found:
        return Absent((Evidence(says),))
    order = data.plan.order
    is_mixed = not order.is_assumed and order.value != "sequential"
    return Present(tuple(found), severity=Severity.NOTE if is_mixed else None)


def _named(data: Data) -> list[Evidence]:
    """Fields that name a source and whose values stand in blocks."""
    found = []
    samples = data.survey.samples
    names = {name for sample in samples[:100] for name, _ in sample.others if name.lower() in SOURCES}
    for name in sorted(names):
        values = [dict(sample.others).get(name, "") for sample in samples]
        _, numbers, sizes = np.unique(values, return_inverse=True, return_counts=True)
        shares = sizes / len(values)
        expected = (len(values) - 1) * (1 - float(np.sum(shares**2)))
        changes = int(np.count_nonzero(np.diff(numbers)))
        if 1 < len(sizes) <= len(values) / 4 and changes < CHANGES.value * expected:
            where = samples[int(np.flatnonzero(np.diff(numbers))[0]) + 1].source
            says = (
                f"`{name}` changes {count(changes, 'time')} along the rows, {expected:.0f} times when they are shuffled"
            )
            found.append(Evidence(says, where))
    return found


RULE: Rule[Data] = Rule(
    code="POS001",
    slug="blocked-sources",
    severity=Severity.WARNING,
    needs=("kept rows in their order",),
    check=check,
    thresholds=(FEWEST, CHANCE, FACTOR, CHANGES),
    since=SINCE,
)
