"""The loss never leaves its first value.

## What it sees
From the first row on the smoothed loss does not fall by more than 2 % of its level (or its noise), or a classifier's
loss stays within 5 % of the logarithm of a small number of classes. The learning rate is alive and the log begins at
the beginning.

## Why it matters
Nothing is being learned, and more steps will not change that.

## What it does not mean
It does not mean that the learning rate is too low; a loss that cannot move because nothing trainable reaches it looks
the same. During warm-up a flat loss is normal, and only a note.

## Example
1.133, 1.120, 1.105, 1.103 ... with three classes: ln 3 = 1.099.

## Check it by hand
Compare a trained weight before and after ten steps. Train on a single batch for 50 steps: the loss must fall.

## References
- A classifier that guesses scores the logarithm of the number of classes
"""

from __future__ import annotations

import math

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import curve, evidence_at, no_course
from trainclinic.record.series import Series
from trainclinic.signals.measured import Measured
from trainclinic.signals.plateau_place import UNIFORM_HALF_WIDTH
from trainclinic.signals.trend import Trend

ROWS = Threshold("rows", 8, "rows", "fewer rows of noise look flat too often")
FALL = Threshold("fall over the level", 0.02, "1", "slow but real fine-tunes fall by 4 % and more")
CHANCE = Threshold("distance from ln of the classes", 0.05, "1", "chance level plus the noise of small batches")
HIDDEN = Threshold("error of the level", 0.04, "1", "an error as large as a slow fine-tune's fall hides it")
MOST_CLASSES = 20


def check(run: Measured) -> Verdict:
    """Look whether the loss ever moved."""
    if run.objective.kind == "preference":
        return NotEvaluated(missing="a loss that starts above its rest level; preference losses start at ln 2")
    if refusal := no_course(run, int(ROWS.value)):
        return refusal
    trend, series = run.trend, curve(run)
    if trend is None or series is None or run.initial_loss is None:
        return NotEvaluated(missing="the beginning of the run")
    top = max(trend.first, trend.start)
    fall = top - min(trend.best, trend.last)
    axis = run.record.axis
    ends = f"{number(trend.last)} at {axis} {trend.last_step}"
    says = f"loss is {number(top)} at {axis} {trend.first_step} and {ends}"
    chance = _chance_level(run, trend, series)
    noise = 3.0 * trend.noise / math.sqrt(max(1.0, trend.rows / 10))
    if chance is None and fall > FALL.value * abs(top) and noise > HIDDEN.value * abs(top):
        return NotEvaluated(
            missing=f"more rows of `train/loss`: changes below {number(noise, 2)} are hidden in its noise"
        )
    flat = fall <= max(FALL.value * abs(top), noise) and trend.last > 0.0
    rising = trend.last - top > max(FALL.value * abs(top), noise)
    if chance is None and (not flat or rising):
        return Absent((Evidence(says),))
    evidence = [evidence_at(series, trend.last_step, f"{says}, over {trend.rows} rows")]
    if chance is not None:
        evidence.append(Evidence(f"guessing among {chance} classes scores {number(math.log(chance))}"))
    means = "The loss has not moved from where it began."
    settle = "Train on one batch for 50 steps: a loss that cannot fall there cannot fall anywhere"
    return Present(tuple(evidence), means, settle, severity=_severity(run, trend, chance))


def _chance_level(run: Measured, trend: Trend, series: Series) -> int | None:
    """Number of classes at whose logarithm a classifier's loss stays from beginning to end."""
    if run.objective.kind != "classification":
        return None
    for classes in range(2, MOST_CLASSES + 1):
        level = math.log(classes)
        ends = (trend.start, trend.last, float(np.median(series.value)))
        if all(abs(value - level) < CHANCE.value * level for value in ends):
            accuracy = run.record.get("eval/accuracy") or run.record.get("train/accuracy")
            good = accuracy is not None and float(accuracy.finite().value[-1:].max(initial=0.0)) > 1.25 / classes
            return None if good else classes
    return None


def _severity(run: Measured, trend: Trend, chance: int | None) -> Severity:
    if _is_warming_up(run, trend):
        return Severity.NOTE
    uniform = run.baselines.uniform if run.baselines is not None else None
    at_uniform = uniform is not None and abs(trend.last - uniform) < UNIFORM_HALF_WIDTH
    norm = run.record.get("train/grad_norm")
    no_gradient = norm is not None and bool(np.all(norm.finite().value == 0.0)) and len(norm.finite()) > 0
    return Severity.HARMFUL if chance is not None or at_uniform or no_gradient else Severity.WARNING


def _is_warming_up(run: Measured, trend: Trend) -> bool:
    """Whether the learning rate still rises in the last row."""
    rate = run.record.get("train/learning_rate")
    rate = rate.final().finite() if rate is not None else None
    if rate is None or len(rate) < 3 or int(rate.step[-1]) < trend.last_step:
        return False
    return bool(np.all(np.diff(rate.value) > 0))


RULE = Rule(
    code="LOS210",
    slug="flat-loss-from-start",
    severity=Severity.HARMFUL,
    needs=("train/loss", "train/learning_rate", "train/grad_norm", "eval/accuracy"),
    check=check,
    thresholds=(ROWS, FALL, CHANCE, HIDDEN),
)
