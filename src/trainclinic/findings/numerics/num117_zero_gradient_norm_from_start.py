"""The gradient norm is exactly 0 from the first row on.

## What it sees
The first two logged gradient norms or more (all of them in a shorter log) are exactly 0 at a learning rate above 0.

## Why it matters
No gradient ever reached a trained parameter in this run, so the fault was there before training: parameters that are
frozen or not in the graph, or batches without a single target. An event during training cannot be the reason.

## What it does not mean
It does not say which of these it is. With a positive loss the forward pass works and the trained parameters take no
part in it; with a loss of 0 no token is a target. In policy training a zero says that a group earned equal rewards.

## Example
`{"loss": 1.231, "grad_norm": 0.0, "learning_rate": 9.7e-05}` as the first row, and every later norm 0 too.

## Check it by hand
After the first `loss.backward()`, list the trainable parameters whose `p.grad` is `None` or all 0.

## References
- https://github.com/huggingface/trl/issues/1937
- https://github.com/linkedin/Liger-Kernel/issues/968
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.initial_loss import begins_in_the_middle
from trainclinic.signals.measured import Measured

ROWS = Threshold("leading zeros", 2, "rows", "one batch without a target gives one zero")


def check(run: Measured) -> Verdict:
    """Count the exact zeros that the column begins with."""
    found = run.gradients
    if found is None:
        return NotEvaluated(missing="`train/grad_norm`")
    norm, zero = found.norm, found.zero
    other = np.flatnonzero(norm.value != 0.0)
    leading = int(other[0]) if other.size else len(norm)
    if not 0 <= zero.first < leading or leading < min(ROWS.value, len(norm)):
        row = min(int(other[0]) if other.size else 0, len(norm) - 1)
        says = f"gradient norm is {number(float(norm.value[row]))} at {run.record.axis} {norm.step[row]}"
        return Absent((Evidence(says, norm.source(row), int(norm.step[row]), "train/grad_norm"),))
    if begins_in_the_middle(run, norm):
        return NotEvaluated(missing="the beginning of the run")
    if run.objective.kind == "rl" and leading < len(norm):
        return NotEvaluated(
            missing="a loss whose gradient is 0 only by a fault: equal rewards give 0 in policy training"
        )
    where = "in every row" if leading == len(norm) else f"in the first {count(leading, 'row')}"
    says = f"gradient norm is exactly 0 {where}, from {run.record.axis} {norm.step[0]} on"
    return Present((Evidence(says, norm.source(0), int(norm.step[0]), "train/grad_norm"),))


RULE = Rule(
    code="NUM117",
    slug="zero-gradient-norm-from-start",
    severity=Severity.NOTE,
    needs=("train/grad_norm", "train/learning_rate"),
    check=check,
    thresholds=(ROWS,),
    since="0.2",
)
