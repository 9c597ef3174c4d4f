"""The share of right target tokens is exactly 0 while tokens are consumed.

## What it sees
A logged token accuracy that is exactly 0 from some row to the end of the log, in at least two rows, and the tokens that
were consumed meanwhile.

## Why it matters
Over thousands of target tokens even an untrained model gets a few right. Exactly 0 means that no target token was
counted, or that every prediction is the same wrong token: the run learns nothing from these rows.

## What it does not mean
It does not mean that the task is too hard or that the model is too small. It does not say which side is empty: targets
that were cut off by the length limit, a mask that hides every answer, and weights full of NaN all look like this.

## Example
`{"step": 10, "loss": 0.0, "mean_token_accuracy": 0.0, "num_tokens": 20480.0}`

## Check it by hand
Take one batch from the data loader and count `(labels != -100).sum()` for each row; 0 in every row is the answer. If
targets exist, look for NaN in the logits.

## References
- TRL, `SFTTrainer.compute_loss`: `mean_token_accuracy` is correct tokens over target tokens, with the divisor clamped
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.record.series import Series
from trainclinic.signals.alignment import values_at
from trainclinic.signals.measured import Measured

ROWS = Threshold("rows of 0 up to the end", 2, "rows", "one row may be a batch without targets")


def check(run: Measured) -> Verdict:
    """Look for zeros up to the end of a token accuracy."""
    series = [run.record.get(name) for name in ("train/token_accuracy", "eval/token_accuracy")]
    logged = [one.final() for one in series if one is not None]
    if not logged:
        return NotEvaluated("`train/token_accuracy` (TRL logs it as `mean_token_accuracy`)")
    for accuracy in logged:
        wrong = np.flatnonzero(accuracy.value != 0.0)
        first = int(wrong[-1]) + 1 if wrong.size else 0
        if len(accuracy) - first >= ROWS.value:
            return _present(run, accuracy, first)
    accuracy = logged[0]
    last = f"token accuracy is {number(float(accuracy.value[-1]))} at step {int(accuracy.step[-1]):,}"
    return Absent((Evidence(last, accuracy.source(-1), int(accuracy.step[-1]), accuracy.name),))


def _present(run: Measured, accuracy: Series, first: int) -> Present:
    step = int(accuracy.step[first])
    says = f"token accuracy is exactly 0 in {count(len(accuracy) - first, 'row')} from step {step:,} to the end"
    evidence = [Evidence(says, accuracy.source(first), step, accuracy.name)]
    tokens = run.record.get("train/tokens")
    grown = float(np.ptp(tokens.final().finite().value)) if tokens is not None else 0.0
    if tokens is not None and grown > 0:
        says = f"{number(grown)} tokens were consumed meanwhile"
        evidence.append(Evidence(says, tokens.source(-1), int(tokens.step[-1]), "train/tokens"))
    loss, _ = values_at(run.record.get("train/loss"), accuracy.step[first:])
    zero = bool(np.all(loss[np.isfinite(loss)] == 0.0)) and bool(np.isfinite(loss).any())
    means = "The loss is 0 in the same rows: no target token was counted." if zero else ""
    return Present(tuple(evidence), means=means, settle="the number of labels that are not -100 in one batch")


RULE = Rule(
    code="EVA506",
    slug="zero-token-accuracy",
    severity=Severity.HARMFUL,
    needs=("train/token_accuracy", "train/tokens", "train/loss"),
    check=check,
    thresholds=(ROWS,),
)
