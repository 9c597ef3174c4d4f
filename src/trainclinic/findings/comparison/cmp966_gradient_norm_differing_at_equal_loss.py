"""Two runs have the same losses and other gradient norms.

## What it sees
Two runs of one folder whose losses agree within 2 % row by row while their logged gradient norms differ by a factor of
2 or more that stays the same.

## Why it matters
Runs that take the same course make the same updates. What differs is what the column reports: the norm before or after
clipping, of one process or of all, of the scaled or of the unscaled loss, summed or averaged over micro-batches.

## What it does not mean
The larger norm is no explosion, and the smaller one no vanishing gradient. It does not say which definition is right.

## Example
Gradient norms of 11 to 15 under one release and of 0.2 under the next one, the loss 1.77 at the same step of both.

## Check it by hand
Divide the two columns row by row. Compare with the number of processes, of micro-batches and with the loss scale.

## References
- https://github.com/deepspeedai/DeepSpeed/issues/7749
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.findings.run_pairs import ALIKE

if TYPE_CHECKING:
    from trainclinic.record.run import RunRecord
    from trainclinic.signals.comparisons import Pair
    from trainclinic.signals.measured import Measured

FACTOR = Threshold("factor between the gradient norms", 2.0, "1", "another order of sums changes norms by percents")
STEADY = Threshold(
    "spread of the factor (90 % range over its median)", 0.5, "1", "another definition changes rows by one factor"
)
FEWEST = Threshold("shared rows", 5, "rows", "a few rows can agree by chance")


def check(run: Measured) -> Verdict:
    """Compare gradient norms where losses are equal."""
    seen: Verdict | None = None
    for pair in run.pairs:
        mine, theirs = pair.shared
        if mine.size < FEWEST.value or float(np.ptp(mine)) <= 0.0:
            continue
        if np.quantile(np.abs(mine / theirs - 1.0), 0.9) > ALIKE.value:
            continue
        ratio = _ratios(pair.one.record, pair.other.record)
        if ratio.size < FEWEST.value:
            continue
        middle = float(np.median(ratio))
        low, high = np.quantile(ratio, [0.05, 0.95])
        factor = max(middle, 1.0 / middle)
        evidence = _evidence(pair, factor, float(np.median(np.abs(mine / theirs - 1.0))))
        if factor >= FACTOR.value and (high - low) / middle <= STEADY.value:
            return Present(evidence)
        seen = seen or Absent(evidence)
    return seen or NotEvaluated(missing="a second run with the same losses and its own gradient norms")


def _ratios(one: RunRecord, other: RunRecord) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Gradient norms of the one over those of the other at shared steps, where both are finite and above 0."""
    mine, theirs = one.get("train/grad_norm"), other.get("train/grad_norm")
    if mine is None or theirs is None or one is other:
        return np.empty(0)
    left, right = mine.final().finite(), theirs.final().finite()
    _, at, where = np.intersect1d(left.step, right.step, return_indices=True)
    above, below = left.value[at], right.value[where]
    use = (above > 0) & (below > 0)
    return np.asarray(above[use] / below[use], dtype=np.float64)


def _evidence(pair: Pair, factor: float, apart: float) -> tuple[Evidence, ...]:
    one, other = pair.one, pair.other
    says = f"losses of `{one.name}` and `{other.name}` agree within {percent(apart)} at the median"
    differ = f"their gradient norms differ by a factor of {number(factor, 3)}"
    source = one.loss.source(0)
    return Evidence(says, source), Evidence(differ, source, None, "train/grad_norm")


RULE = Rule(
    code="CMP966",
    slug="gradient-norm-differing-at-equal-loss",
    severity=Severity.NOTE,
    needs=("train/grad_norm", "another run of the folder"),
    check=check,
    thresholds=(FACTOR, STEADY, FEWEST, ALIKE),
    since="0.2",
)
