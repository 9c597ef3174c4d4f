"""A preference loss stays at ln 2.

## What it sees
In preference training (DPO and its relatives) the loss is still within 0.005 of ln 2 = 0.6931 in the last third of the
log, after at least eight rows.

## Why it matters
ln 2 is what the objective gives while the policy and its reference agree on every pair. Every run starts there; one
that stays has not moved away from the reference.

## What it does not mean
At the first rows it means nothing: that value is the objective's by construction. It does not mean that the pairs are
too hard; on hard pairs the loss scatters around ln 2 and the rewards spread.

## Example
`{'loss': 0.6931, 'rewards/margins': 0.0, 'rewards/accuracies': 0.0}` in every row.

## Check it by hand
Look at `rewards/margins`: exactly 0 means that policy and reference are the same weights. Count the trainable
parameters.

## References
- Rafailov et al., Direct Preference Optimization (2023): loss -log sigmoid(beta x margin), ln 2 at margin 0
"""

from __future__ import annotations

import math

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import evidence_at
from trainclinic.signals.measured import Measured

ROWS = Threshold("rows", 8, "rows", "warm-up alone keeps the first rows at ln 2")
WIDTH = Threshold("distance from ln 2", 0.005, "nats", "a policy that learns leaves it by 0.01 and more within warm-up")


def check(run: Measured) -> Verdict:
    """Look at the last third of a preference loss."""
    if run.objective.kind != "preference":
        return NotEvaluated(missing="a preference objective (DPO or its relatives)")
    loss = run.loss_rows
    if loss is None or len(loss) < ROWS.value:
        return NotEvaluated(missing=f"at least {number(ROWS.value)} rows of `train/loss`")
    tail = loss.value[-max(3, len(loss) // 3) :]
    away = float(np.max(np.abs(tail - math.log(2.0))))
    level = float(np.median(tail))
    says = f"loss is {number(level)} in the last {tail.size} rows, within {number(away, 2)} of ln 2 = 0.6931"
    evidence = [evidence_at(loss, int(loss.step[-1]), says)]
    if away >= WIDTH.value:
        return Absent((Evidence(f"loss is {number(level)} in the last {tail.size} rows, ln 2 = 0.6931"),))
    margin = run.record.get("reward/margin")
    exact = margin is not None and bool(np.all(margin.finite().value == 0.0))
    if margin is not None and len(margin.finite()):
        last = float(margin.finite().value[-1])
        evidence.append(evidence_at(margin, int(margin.step[-1]), f"reward margin is {number(last)} in the last row"))
    means = "Policy and reference agree on every pair" + (
        " exactly: they are the same weights." if exact else " to the end."
    )
    settle = "Count the trainable parameters, and compare one of them before and after ten steps"
    return Present(tuple(evidence), means, settle, severity=None if exact else Severity.WARNING)


RULE = Rule(
    code="LOS211",
    slug="loss-at-log-two",
    severity=Severity.HARMFUL,
    needs=("train/loss", "reward/margin"),
    check=check,
    thresholds=(ROWS, WIDTH),
)
