"""The held-out rows are of another kind than the training rows.

## What it sees

Word frequencies of the held-out rows against those of all rows (Jensen-Shannon divergence), compared with 200 random
splits of the same sizes.

## Why it matters

The gap between evaluation and training loss then measures the difference of two sources, not overfitting; early
stopping and the choice of a checkpoint follow the wrong number. A split that is cut from the end of a joined file is
the usual reason.

## What it does not mean

A test on another source may be meant: then its loss must not be compared with the training loss. A high evaluation loss
on such rows is no sign that training failed.

## Example

Training on letters, evaluation on forum posts: a gap of 0.4 nat at step 0 already, which no training closes.

## Check it by hand

Read ten rows of either file. Or evaluate the untrained model on both: the same gap before training is the data.

## References

- Lin 1991, Divergence Measures Based on the Shannon Entropy, https://doi.org/10.1109/18.61115
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.drift import drift_of, neighbours
from trainclinic.dataset.near_rows import template_runs
from trainclinic.dataset.row_text import own_text
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

FEWEST = Threshold("rows of either split", 50, "rows", "fewer differ by chance")
CHANCE = Threshold("share of random splits that are as far apart", 0.01, "1", "one alarm in a hundred sound splits")
FACTOR = Threshold("divergence over that of random splits", 1.5, "1", "expert choice, to be calibrated")


def check(data: Data) -> Verdict:
    """Compare the words of both splits."""
    held_out = data.held_out
    if held_out is None or min(len(held_out.samples), len(data.survey.samples)) < FEWEST.value:
        return NotEvaluated(f"at least {FEWEST.value:.0f} held-out and as many training rows (`--eval`)")
    samples = (*data.survey.samples, *held_out.samples)
    labels = np.repeat([0, 1], [len(data.survey.samples), len(held_out.samples)])
    texts = [own_text(sample) for sample in samples]
    drift = drift_of(texts, labels, neighbours(texts, template_runs(data)))
    seen = Evidence(
        f"word frequencies of the held-out rows lie {drift.distances[1]:.3f} nats from those of all rows; "
        f"{drift.typical:.3f} in random splits",
        held_out.samples[0].source,
    )
    if drift.chance < CHANCE.value and drift.largest > FACTOR.value * drift.typical:
        return Present((seen,))
    return Absent((seen,))


RULE: Rule[Data] = Rule(
    code="POS002",
    slug="held-out-from-another-source",
    severity=Severity.WARNING,
    needs=("kept training rows", "kept held-out rows"),
    check=check,
    thresholds=(FEWEST, CHANCE, FACTOR),
    since=SINCE,
)
