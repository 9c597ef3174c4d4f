"""The evaluation loss is far from the training loss from the first evaluation on.

## What it sees
The difference of the two losses at every evaluation, the training loss being read at the step of the evaluation and not
at the end of its averaging window. It looks at the first evaluation and asks whether the difference lasts.

## Why it matters
During the first pass every training row is as new to the model as the evaluation rows are, so the two losses should
agree. If they do not, they measure different things: other data, another template, other target tokens, another mask or
another scale. Nothing that the evaluation says then holds for the training, and the other way round.

## What it does not mean
It is not overfitting: that begins later and grows. A gap that appears after the first pass is memorisation of rows that
the model has seen, and normal. Dropout, label smoothing and augmentation raise the
training loss, so an evaluation that lies below it counts from half of it on.

## Example
Training 1.1 and evaluation 2.9 at the first evaluation, epoch 0.1, and still 1.8 apart at the end.

## Check it by hand
Run the evaluation code on 100 training rows that the model has not seen yet, with the untrained model; the loss should
be that of the first training rows.

## References
- The training loss of a single pass is an unbiased estimate of the loss on new data: Bottou and Le Cun 2003
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.generalisation import Generalisation
from trainclinic.signals.measured import Measured

SHARE = Threshold(
    "gap",
    0.25,
    "share of the smaller loss",
    "0.3 nats at a level of 1.2: more than domain shift between random splits gives",
)
ERRORS = Threshold("gap", 4.0, "standard errors", "one comparison; 4 leaves room for an error that is itself estimated")
BELOW = Threshold(
    "evaluation below training",
    0.5,
    "share of the training loss",
    "dropout and augmentation can cost half as much again",
)
SMALLEST = Threshold("gap", 0.1, "nats", "smaller gaps between small losses decide nothing")  # fmt: skip
FIRST_PASS = 1.05
"""Epochs: an evaluation at the very end of the first pass still follows rows that were new."""


def check(run: Measured) -> Verdict:
    """Judge the first gap, then whether it lasts."""
    found = run.generalisation
    if found is None:
        return NotEvaluated("`eval/loss`")
    rows = np.flatnonzero(np.isfinite(found.gap))
    if not rows.size:
        return NotEvaluated("`train/loss` near the steps of the evaluations")
    first, last = int(rows[0]), int(rows[-1])
    limit = _limit(found, first)
    gap = float(found.gap[first])
    says = f"at the first evaluation, step {int(found.step[first]):,}, {_describe(found, first)}"
    seen = _evidence(run, found, first, says)
    if abs(gap) <= limit:
        return Absent((seen,))
    lasting = np.sign(gap) * found.gap[rows]
    half = np.array([_limit(found, int(row)) / 2 for row in rows])
    if not bool(np.all(lasting > half)):
        return Absent(
            (seen, _evidence(run, found, last, f"at step {int(found.step[last]):,} {_describe(found, last)}"))
        )
    new = int(found.step[first]) == 0 or (found.first_epoch is not None and found.first_epoch <= FIRST_PASS)
    if gap > 0 and not new:
        return NotEvaluated("an evaluation during the first pass over the data, before rows can be memorised")
    after = _evidence(run, found, last, f"at step {int(found.step[last]):,} {_describe(found, last)}")
    return Present(
        (seen, after) if last != first else (seen,),
        means="The two losses measure different things from the start; the difference is not learned."
        if last != first
        else "One comparison: the two losses measure different things, or their rows differ, or the training loss is a "
        "mean over more of the run than it seems.",
        settle="the evaluation code run on unseen training rows",
        severity=None if last != first else Severity.NOTE,
    )


def _limit(found: Generalisation, row: int) -> float:
    smaller = min(abs(float(found.evaluation[row])), abs(float(found.train[row])))
    share = SHARE.value * smaller
    if found.gap[row] < 0:
        share = BELOW.value * abs(float(found.train[row]))
    return max(share, ERRORS.value * float(found.gap_error[row]), SMALLEST.value)


def _describe(found: Generalisation, row: int) -> str:
    gap, train = float(found.gap[row]), float(found.train[row])
    side = "above" if gap >= 0 else "below"
    share = f" ({percent(abs(gap) / train)})" if train > 0 else ""
    evaluation = number(float(found.evaluation[row]))
    return f"evaluation loss {evaluation} is {number(abs(gap), 3)}{share} {side} training loss {number(train)}"


def _evidence(run: Measured, found: Generalisation, row: int, says: str) -> Evidence:
    step = int(found.step[row])
    return Evidence(says, run.eval_rows.source_at(step) if run.eval_rows is not None else None, step, "eval/loss")


RULE = Rule(
    code="EVA503",
    slug="eval-train-gap",
    severity=Severity.WARNING,
    needs=("eval/loss", "train/loss", "train/epoch"),
    check=check,
    thresholds=(SHARE, BELOW, ERRORS, SMALLEST),
)
