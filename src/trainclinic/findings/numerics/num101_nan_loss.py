"""The training loss is logged as NaN or infinite.

## What it sees
At least one `train/loss` row whose value is NaN, inf or -inf.

## Why it matters
A non-finite loss has no gradient to follow. If the optimizer stepped on it, the weights are non-finite too and every
later row, checkpoint and generation is lost.

## What it does not mean
It does not say that the learning rate is too high, nor that the data is broken. A single NaN row after which the loss
goes on as before was skipped or filtered, and the weights survived.

## Example
`{"step": 20, "loss": NaN, "grad_norm": NaN}`

## Check it by hand
Load the last checkpoint and count parameters for which `torch.isfinite(p).all()` is false.

## References
- IEEE 754: NaN propagates through every arithmetic operation
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look for rows of the training loss that are not finite."""
    loss = run.record.get("train/loss")
    if loss is None:
        return NotEvaluated(missing="`train/loss`")
    rows = np.flatnonzero(~np.isfinite(loss.value))
    if not rows.size:
        return Absent()
    first = int(rows[0])
    says = (
        f"loss is {loss.value[first]:g} at step {loss.step[first]}, first of {rows.size} non-finite rows in {len(loss)}"
    )
    return Present((Evidence(says, loss.source(first), int(loss.step[first]), "train/loss"),))


RULE = Rule(code="NUM101", slug="nan-loss", severity=Severity.HARMFUL, needs=("train/loss",), check=check)
