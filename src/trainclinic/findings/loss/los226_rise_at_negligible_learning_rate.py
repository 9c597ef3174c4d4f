"""The loss leaps while the learning rates so far cannot have moved it.

## What it sees
A rise of the training loss by one nat or more, to a level at which it stays, at a step up to which all learning rates
that were logged sum to less than 1e-6 (rows that are not logged are counted at the rate of the next logged one).

## Why it matters
Adam and its relatives move no weight by more than about the learning rate in one step. Weights are some hundredths
large, so updates that sum to a millionth of 1 leave the loss where it is. What changed the model is something else:
weights that were overwritten, a master copy that was never filled, a state that was loaded afterwards.

## What it does not mean
It does not mean that the learning rate is too high: this rules it out. It says nothing for SGD on scaled losses.

## Example
`2.28` in the first row, `11.05` in the second, learning rate 2.4e-09.

## Check it by hand
Sum the learning rate over the steps before the rise.

## References
- https://github.com/EleutherAI/gpt-neox/issues/947
- Kingma and Ba 2015, section 2.1: the bound of one step
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

RISE = Threshold("rise", 1.0, "nats", "single batches differ by some tenths")
SUM = Threshold(
    "sum of learning rates", 1e-6, "1", "weights are some hundredths large, and bf16 rounds 1e-5 of them off"
)
FEWEST = 4


def check(run: Measured) -> Verdict:
    """Find the first lasting rise and sum the learning rates up to it."""
    loss, rate = run.record.get("train/loss"), run.record.get("train/learning_rate")
    if loss is None or rate is None:
        return NotEvaluated(missing="`train/loss` and `train/learning_rate`")
    rows, rates = loss.final().finite(), rate.final().finite()
    if len(rows) < FEWEST or not len(rates) or run.record.axis != "step":
        return NotEvaluated(missing=f"{FEWEST} rows of loss and learning rate by step")
    value = rows.value
    best = np.minimum.accumulate(value)[:-1]
    rest = np.minimum.accumulate(value[::-1])[::-1][1:]
    at = np.flatnonzero((rest - best >= RISE.value) & (np.arange(value.size - 1) < value.size - 2))
    if not at.size:
        return NotEvaluated(missing="a lasting rise of the loss by one nat")
    first = int(at[0])
    step = int(rows.step[first + 1])
    total = _summed(rates.step, rates.value, step)
    evidence = (
        Evidence(f"loss rises from {number(value[first])} to {number(value[first + 1])}", rows.source(first + 1), step),
        Evidence(f"the learning rates up to it sum to {number(total)}", None, step, "train/learning_rate"),
    )
    if total < SUM.value and float(rates.value.max()) > 0.0:
        return Present(evidence)
    return Absent(evidence)


def _summed(
    step: np.ndarray[tuple[int], np.dtype[np.int64]], rate: np.ndarray[tuple[int], np.dtype[np.float64]], until: int
) -> float:
    """Upper bound of the sum of rates over all steps up to `until`, each step at the larger rate beside it."""
    last = min(int(np.searchsorted(step, until)), step.size - 1)
    edges = np.concatenate(([min(0, int(step[0]) - 1)], step[: last + 1]))
    return float(np.sum(np.diff(edges) * np.maximum.accumulate(rate[: last + 1])))


RULE = Rule(
    code="LOS226",
    slug="rise-at-negligible-learning-rate",
    severity=Severity.HARMFUL,
    needs=("train/loss", "train/learning_rate"),
    check=check,
    thresholds=(RISE, SUM),
    since="0.2",
)
