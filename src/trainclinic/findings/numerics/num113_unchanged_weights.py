"""The weights are the same before and after training steps.

## What it sees
A line of the log in which a check found the weights equal before and after, or evaluation losses that agree to the last
printed digit (at least five) over three or more evaluations while the learning rate was above 0.

## Why it matters
Nothing is trained. The steps cost time, and the saved model is the one that was loaded.

## What it does not mean
A flat loss alone is not this: updates can be small, or a plateau real. Gradients may well be logged as non-zero, when
the optimizer holds other parameters than the model that is evaluated and saved.

## Example
`eval_loss` 5.6123457 at steps 50, 100 and 150.

## Check it by hand
Hash the trainable tensors before and after ten steps.

## References
- https://github.com/huggingface/trl/issues/6700
- https://github.com/modelscope/ms-swift/pull/9452
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.alignment import values_at
from trainclinic.signals.measured import Measured

ALIKE = Threshold(
    "equal evaluations", 3, "1", "two may agree by chance in their last digit; three to five digits do not"
)
DIGITS = Threshold("relative half unit of the print", 1e-5, "1", "five digits: a plateau keeps four by chance at best")


def check(run: Measured) -> Verdict:
    """Look for a check of the weights, then for evaluations that do not move at all."""
    events = run.record.events_of("weights-unchanged")
    if events:
        return Present(tuple(Evidence(f"the log says: {e.says}", e.source, e.step) for e in events[:3]))
    moved = run.record.events_of("weights-changed")
    if moved:
        return Absent(tuple(Evidence(f"the log says: {e.says}", e.source, e.step) for e in moved[:1]))
    loss = run.eval_loss
    if loss is None or len(loss.finite()) < ALIKE.value:
        return NotEvaluated(missing="a hash of the trained tensors before and after, or three evaluations")
    finite = loss.finite()
    value = finite.value
    if (value == value[0]).all() and value[0] != 0.0:
        if float(finite.half_unit()[0]) > DIGITS.value * abs(float(value[0])):
            return NotEvaluated(missing="evaluation losses with at least five digits")
        rate, _ = values_at(run.record.get("train/learning_rate"), finite.step)
        if np.any(rate == 0.0):
            return NotEvaluated(missing="evaluations while the learning rate is above 0")
        says = f"eval loss is {number(float(value[0]), 10)} in all {value.size} evaluations, to the last digit"
        return Present((Evidence(says, finite.source(0), int(finite.step[0]), "eval/loss"),))
    says = f"eval loss moves between {number(float(value.min()))} and {number(float(value.max()))}"
    return Absent((Evidence(says, finite.source(0), int(finite.step[0]), "eval/loss"),))


RULE = Rule(
    code="NUM113",
    slug="unchanged-weights",
    severity=Severity.HARMFUL,
    needs=("events: weights-unchanged", "events: weights-changed", "eval/loss", "train/learning_rate"),
    check=check,
    thresholds=(ALIKE, DIGITS),
)
