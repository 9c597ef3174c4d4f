"""From the first rows on the gradient norm is not finite while the loss is.

## What it sees
The first three logged gradient norms or more (all of them in a log of two) are NaN or infinite, and the losses of the
same rows are finite and not 0.

## Why it matters
The forward pass is right and the backward pass is not, from the very beginning. That is the place to look: the backward
of an attention kernel or of a fused loss, masked rows whose gradient is 0/0, or a backward in float16 that overflows.

## What it does not mean
It does not point to the learning rate: a backward pass does not use it. A few infinite norms at the very start of a
float16 run are its scaler at work. A loss that stays finite says that the steps were skipped, not that they did no
harm.

## Example
`{"loss": 1.71, "grad_norm": NaN}`, `{"loss": 1.68, "grad_norm": NaN}` and so on in every row.

## Check it by hand
Run one backward pass with `torch.autograd.detect_anomaly()`, and once more with eager attention.

## References
- https://github.com/unslothai/unsloth/issues/911
- https://github.com/huggingface/trl/issues/7181
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.alignment import values_at
from trainclinic.signals.measured import Measured

ROWS = Threshold("leading rows", 3, "rows", "a scaler that starts at 65,536 may skip the first logged steps")


def check(run: Measured) -> Verdict:
    """Look at the first rows of norm and loss."""
    found = run.gradients
    if found is None or run.train_loss is None:
        return NotEvaluated(missing="`train/grad_norm` beside `train/loss`")
    norm = found.norm
    finite = np.flatnonzero(np.isfinite(norm.value))
    leading = int(finite[0]) if finite.size else len(norm)
    if leading == 0:
        says = f"the first gradient norm is {number(float(norm.value[0]))}"
        return Absent((Evidence(says, norm.source(0), int(norm.step[0]), "train/grad_norm"),))
    if len(norm) < 2:
        return NotEvaluated(missing="two rows of `train/grad_norm`")
    if leading < ROWS.value and finite.size:
        says = f"the norm is finite from {run.record.axis} {norm.step[leading]} on"
        return Absent((Evidence(says, norm.source(leading), int(norm.step[leading]), "train/grad_norm"),))
    loss, logged = values_at(run.train_loss, norm.step[:leading])
    shown = loss[logged]
    if not shown.size:
        return NotEvaluated(missing="losses in the rows of the gradient norms")
    good = np.isfinite(shown) & (shown != 0.0)
    if not bool(good.all()) or (run.first_value is not None and run.first_value.kind == "distorted"):
        says = f"only {int(good.sum())} of these {count(shown.size, 'row')} hold a loss that is finite and not 0"
        return Absent((Evidence(says, norm.source(0), int(norm.step[0]), "train/loss"),))
    says = (
        f"gradient norm is {norm.value[0]:g} in the first {count(leading, 'row')}, and the loss there is finite: "
        f"{number(float(shown[0]))} in the first"
    )
    return Present((Evidence(says, norm.source(0), int(norm.step[0]), "train/grad_norm"),))


RULE = Rule(
    code="NUM121",
    slug="finite-loss-with-nan-gradient-norm",
    severity=Severity.NOTE,
    needs=("train/grad_norm", "train/loss"),
    check=check,
    thresholds=(ROWS,),
    since="0.2",
)
