"""Saved or live weights hold NaN or infinite values.

## What it sees
A line of the log, or of a report beside it, in which a check of the parameters found NaN or inf.

## Why it matters
One non-finite weight spreads to every output that it takes part in. A checkpoint that holds one cannot be repaired by
training on; an adapter with one is lost.

## What it does not mean
It does not say when the weights broke, nor by what: the optimizer's arithmetic, an update on a NaN gradient and a
damaged file leave the same state. A finite loss in the log does not prove that a *saved* checkpoint is finite.

## Example
`lora_A.weight: 100 % NaN` in a weights report.

## Check it by hand
`{n: (~torch.isfinite(p)).sum().item() for n, p in model.named_parameters() if not torch.isfinite(p).all()}`

## References
- https://docs.pytorch.org/docs/stable/generated/torch.isfinite.html
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look for a check of the weights; a finite, non-zero last loss shows that the live weights were finite."""
    events = run.record.events_of("weights-non-finite")
    if events:
        shown = tuple(Evidence(f"a check of the weights says: {e.says}", e.source, e.step) for e in events[:3])
        return Present(shown)
    loss = run.train_loss
    if loss is not None and np.isfinite(loss.value[-1]) and loss.value[-1] != 0.0:
        norm = run.gradients
        if norm is None or norm.not_finite.begins < 0:
            says = f"the last logged loss is {number(float(loss.value[-1]))}, which NaN weights cannot give"
            return Absent((Evidence(says, loss.source(-1), int(loss.step[-1]), "train/loss"),))
    return NotEvaluated(missing="a count of non-finite parameters in the last checkpoint")


RULE = Rule(
    code="NUM103",
    slug="non-finite-weights",
    severity=Severity.HARMFUL,
    needs=("events: weights-non-finite", "train/loss"),
    check=check,
)
