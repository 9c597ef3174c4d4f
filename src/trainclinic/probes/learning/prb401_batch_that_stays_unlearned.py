"""Thirty steps on four rows do not learn them.

## What it sees

The loss of up to four short rows, dropout off, before and after at most 30 steps on nothing but them, with a fresh
optimizer of the run: at 1e-3 with an adapter or 1e-4 for all weights, at the run's own learning rate, then at larger
ones, until one halves the loss or brings it below 0.1, or larger ones can be of no use. Where it fell by a tenth at
least, but not by half, the finding is a warning. Weights are put back.

## Why it matters

A model that cannot learn four rows by heart will not learn a data set. This is the last question before hours are
spent: it sees what no other one has a name for.

## What it does not mean

It does not name a fault. The run's own learning rate may be too small to halve a loss in 30 steps and right for a long
run; that is why larger ones are tried. Rows with the same prompt and different answers cannot be learned below a floor.

## Example

Loss 6.64 before and 6.64 after 30 steps: the optimizer holds the tensors of another copy of the model.

## Check it by hand

Train on one batch for 30 steps with dropout off: the loss should go towards 0.

## References

- https://karpathy.github.io/2019/04/25/recipe/ (overfit one batch)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

STEPS = Threshold("steps", 30, "steps", "tiny models needed 10 in full at 1e-3, and 25 with an adapter at 1e-3")
FALL = Threshold("share of the first loss", 0.5, "1", "intact tiny models go below it at one of the rates")
SLOW = Threshold("share of the first loss", 0.9, "1", "where nothing is learned at all, the loss stays above it")
LOW = Threshold("loss that is learned", 0.1, "nats/token", "a loss that starts below this cannot be halved for sure")


def look(live: Live) -> Verdict:
    """Train on a few rows until their loss has halved."""
    from trainclinic.probes.overfitting import overfit

    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    found = overfit(live, steps=int(STEPS.value), fall=FALL.value, low=LOW.value)
    if not found.before < float("inf"):
        return NotEvaluated("a finite first loss")
    first = Evidence(
        f"the loss of {found.rows} rows with {found.targets:,} targets is {number(found.before)}, dropout off"
    )
    tries = [
        Evidence(f"after {one.steps} steps at {number(one.rate)} it is {number(one.after)}") for one in found.tries
    ]
    is_learned = found.before <= LOW.value or any(one.is_learned for one in found.tries)
    if is_learned:
        return Absent((first, *tries))
    best = min((one.after for one in found.tries if one.after == one.after), default=found.before)
    return Present((first, *tries), severity=Severity.WARNING if best < SLOW.value * found.before else None)


RULE = probe(
    code="PRB401",
    slug="batch-that-stays-unlearned",
    severity=Severity.HARMFUL,
    question="Can a few rows be learned by heart in 30 steps?",
    needs=("the path's own loss", "optimizer"),
    look=look,
    cost=Cost.STEPS,
    thresholds=(STEPS, FALL, SLOW, LOW),
)
