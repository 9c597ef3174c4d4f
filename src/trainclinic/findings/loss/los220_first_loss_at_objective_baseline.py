"""The first loss is the value that the objective gives before anything is learned, and training leaves it.

## What it sees
A preference or reward loss that begins at ln 2 = 0.6931 (KTO: 0.5) and leaves it, or whose reward margin leaves 0; a
policy loss (GRPO, PPO) that begins within 0.05 of 0.

## Why it matters
These objectives compare a policy with its own copy, or two answers with each other, and give a known number while both
are alike. Such a start is no finding about data or weights: every intact run has it.

## What it does not mean
It does not say that the run is good, only that it began where it should. It is no sign that nothing is learned as long
as the value is left afterwards; a loss that stays at ln 2 to the end is told by `loss-at-log-two`.

## Example
`loss 0.6931, margin 0.0` in the first row, `0.5302, 0.462` in the eleventh.

## Check it by hand
Compute the loss of the first batch with the reference model as policy: it must be ln 2 to four digits.

## References
- Rafailov et al., Direct Preference Optimization (2023): loss -log sigmoid(beta x margin), ln 2 at margin 0
- Shao et al., DeepSeekMath (arXiv 2402.03300): advantages of a GRPO group sum to 0, so its loss begins at 0
"""

from __future__ import annotations

import math

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import evidence_at
from trainclinic.signals.initial_loss import begins_in_the_middle
from trainclinic.signals.measured import Measured

WIDTH = Threshold("distance from ln 2", 0.02, "nats", "the mean of a first window holds some descent")
EXACT = Threshold("distance where nothing names the objective", 6e-4, "nats", "ln 2 to the three digits of the log")
POLICY = Threshold("distance of a policy loss from 0", 0.05, "1", "the first window holds a few clipped updates")
LEFT = Threshold("way from the baseline", 0.005, "nats", "a policy that learns leaves it by 0.01 within warm-up")
LEVELS = (math.log(2.0), 0.5)
"""Logistic pair losses at margin 0; KTO, whose value function is a half there."""


def check(run: Measured) -> Verdict:
    """Compare the first loss with the baseline of the objective, and look whether it is left."""
    kind, loss = run.objective.kind, run.train_loss
    if loss is None:
        return NotEvaluated(missing="`train/loss`")
    finite = loss.finite()
    if not len(finite) or begins_in_the_middle(run, loss):
        return NotEvaluated(missing="the beginning of the run")
    first = float(finite.value[0])
    at = f"loss is {number(first)} at {run.record.axis} {finite.step[0]}"
    if kind == "rl":
        says = f"{at}, where a policy loss begins at 0"
        near = Evidence(says, finite.source(0), int(finite.step[0]), finite.name)
        return Present((near,)) if abs(first) <= POLICY.value else Absent((near,))
    named = kind in ("preference", "reward")
    if not named and (kind != "unknown" or abs(first - LEVELS[0]) > EXACT.value):
        return NotEvaluated(missing="an objective with a known first value (DPO, GRPO, a reward model)")
    level = min(LEVELS, key=lambda value: abs(first - value))
    known = "ln 2 = 0.6931" if level == LEVELS[0] else "0.5"
    evidence = Evidence(f"{at}, where the objective gives {known}", finite.source(0), int(finite.step[0]), finite.name)
    if abs(first - level) > WIDTH.value:
        return Absent((evidence,))
    left = _left(run, level)
    if left is None:
        return NotEvaluated(missing="later rows, to see whether the loss leaves its first value")
    return Present((evidence, left)) if isinstance(left, Evidence) else Absent((evidence,))


def _left(run: Measured, level: float) -> Evidence | bool | None:
    """The row that shows that the baseline is left; `False` when no row does, `None` without later rows."""
    margin, loss = run.record.get("reward/margin"), run.loss_rows
    if margin is not None and len(margin.finite()) > 1:
        rows = margin.finite()
        moved = np.flatnonzero(np.abs(rows.value[1:]) > 0.0)
        if moved.size:
            row = int(moved[-1]) + 1
            step = int(rows.step[row])
            says = f"reward margin is {number(float(rows.value[row]))} at {run.record.axis} {step}"
            return evidence_at(rows, step, says)
    if loss is None or len(loss) < 3:
        return None
    end = loss.value[-max(1, len(loss) // 3) :]
    if abs(float(np.median(end)) - level) <= LEFT.value:
        return False
    return evidence_at(loss, int(loss.step[-1]), f"loss is {number(float(np.median(end)))} at the end")


RULE = Rule(
    code="LOS220",
    slug="first-loss-at-objective-baseline",
    severity=Severity.NOTE,
    needs=("train/loss", "reward/margin", "objective"),
    check=check,
    thresholds=(WIDTH, EXACT, POLICY, LEFT),
    since="0.2",
)
