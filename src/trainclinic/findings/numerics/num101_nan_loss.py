"""The training loss is logged as NaN or infinite.

## What it sees
At least one `train/loss` row whose value is NaN, inf or -inf.

## Why it matters
A non-finite loss has no gradient to follow. If the optimizer stepped on it, the weights are non-finite too and every
later row, checkpoint and generation is lost.

## What it does not mean
It does not say that the learning rate is too high, nor that the data is broken. A single NaN row after which the loss
goes on as before was skipped or filtered, and the weights survived: that is reported as a warning only. That no row is
NaN says nothing where a logger replaced such rows by other numbers (see `nan-hidden-as-zero`): there it stays open.

## Example
`{"step": 20, "loss": NaN, "grad_norm": NaN}`

## Check it by hand
Load the last checkpoint and count parameters for which `torch.isfinite(p).all()` is false.

## References
- IEEE 754: NaN propagates through every arithmetic operation
- https://github.com/karpathy/nanoGPT/issues/167
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.gradients import stretch
from trainclinic.signals.measured import Measured

UNFILTERED = (
    "the loss itself: rows of this log were written in place of non-finite ones (`logging_nan_inf_filter=False`)"
)


def check(run: Measured) -> Verdict:
    """Look for rows of the training loss that are not finite."""
    loss = run.train_loss
    if loss is None:
        return NotEvaluated(missing="`train/loss`")
    found = stretch(~np.isfinite(loss.value))
    if not found.rows and run.nan_filter is not None and run.nan_filter.artefact_rows.size:
        return NotEvaluated(missing=UNFILTERED)
    if not found.rows:
        return Absent((Evidence(f"{count(len(loss), 'row')}, all finite"),))
    first = found.first
    value, step = loss.value[first], int(loss.step[first])
    says = f"loss is {value:g} at step {step}, first of {found.rows} non-finite rows in {len(loss)}"
    evidence = Evidence(says, loss.source(first), step, "train/loss")
    if found.pattern == "recovers" and found.begins < 0:
        return Present((evidence,), means="Finite losses follow, so the weights survived.", severity=Severity.WARNING)
    return Present((evidence,), means="The log ends without a finite loss after it.")


RULE = Rule(code="NUM101", slug="nan-loss", severity=Severity.HARMFUL, needs=("train/loss",), check=check)
