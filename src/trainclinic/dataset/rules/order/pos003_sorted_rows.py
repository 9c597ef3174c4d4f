"""The rows are sorted by length or by their text.

## What it sees

The rank correlation (Spearman) of the position of a row with its length, and of positions with the alphabetical order
of prompts or texts, over all kept rows.

## Why it matters

Without shuffling, batches go from short to long: the loss drifts with the length of the rows, the number of tokens
per step changes many times over, and the learning rate is high for one kind of row and low for the other. A tail that
is cut off as validation split holds only the longest rows.

## What it does not mean

Sorting by length inside batches (`group_by_length`) is done by the loader on purpose and does not show here. With a
loader that shuffles, the order of the file does not matter.

## Example

A file that was written by `sort -u` to drop duplicates: correlation 1.00 with alphabetical order.

## Check it by hand

    python -c "import json; print([len(l) for l in open('data.jsonl')][::100])"

## References

- https://huggingface.co/docs/datasets/process (shuffle)
- Spearman 1904, The Proof and Measurement of Association between Two Things, https://doi.org/10.2307/1412159
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

FEWEST = Threshold("rows", 100, "rows", "a handful of rows is in some order by chance")
CORRELATION = Threshold("rank correlation", 0.9, "1", "drifting lengths reach 0.5; sorting gives 1")


def check(data: Data) -> Verdict:
    """Correlate positions with lengths and with alphabetical order."""
    samples = data.survey.samples
    if len(samples) < FEWEST.value:
        return NotEvaluated(f"at least {FEWEST.value:.0f} rows")
    lengths = np.array([len(sample.whole) for sample in samples], np.float64)
    texts = [(sample.prompt or sample.whole)[:200] for sample in samples]
    _, alphabet = np.unique(texts, return_inverse=True)
    found = []
    seen = []
    for what, values in (("length", lengths), ("alphabetical order", alphabet.astype(np.float64))):
        value = _spearman(values)
        says = f"the rank correlation of position and {what} is {value:.2f}"
        seen.append(Evidence(says))
        if abs(value) > CORRELATION.value:
            found.append(Evidence(says, samples[0].source))
    if not found:
        return Absent(tuple(seen))
    order = data.plan.order
    is_mixed = not order.is_assumed and order.value != "sequential"
    return Present(tuple(found), severity=Severity.NOTE if is_mixed else None)


def _spearman(values: NDArray[np.float64]) -> float:
    """Rank correlation of values with their positions; 0 where all are equal."""
    _, inverse, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    ranks = (ends - (sizes - 1) / 2)[inverse]
    if np.ptp(ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks, np.arange(len(values)))[0, 1])


RULE: Rule[Data] = Rule(
    code="POS003",
    slug="sorted-rows",
    severity=Severity.WARNING,
    needs=("kept rows in their order",),
    check=check,
    thresholds=(FEWEST, CORRELATION),
    since=SINCE,
)
