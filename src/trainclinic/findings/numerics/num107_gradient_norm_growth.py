"""The gradient norm grows steadily at constant learning rate while the loss does not fall.

## What it sees
Over the stretch around the peak of the learning rate, where it changes by less than half: the binned medians of
`train/grad_norm` rise almost monotonously, by more than half an e-fold for each e-fold of steps, and the loss over the
same steps does not fall.

## Why it matters
A norm that creeps up while nothing is learned often comes before a divergence: the weights move towards a region where
the loss surface is steeper.

## What it does not mean
A norm that grows while the loss falls is memorisation or a sharpening optimum, and one that grows while the rate decays
is normal; neither is reported. It is no proof of an explosion: many such runs end well.

## Example
At a constant rate of 2e-4 the norm rises from 0.8 at step 100 to 4.1 at step 1,000 while the loss stays at 1.9.

## Check it by hand
Plot the norm with both axes logarithmic; a straight line steeper than 1/2 over the constant part is what is meant.

## References
- https://arxiv.org/abs/2501.00656 (norm growth before loss spikes)
- https://arxiv.org/abs/2304.13013
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.gradient_growth import MIN_ROWS
from trainclinic.signals.measured import Measured

SLOPE = Threshold(
    "growth of ln(norm) per e-fold of steps",
    0.5,
    "1",
    "proposed: the norm doubles while the steps quadruple; noise over a dozen bins stays below 0.2",
)
MONOTONE = Threshold("Kendall's tau of 12 bins", 0.7, "1", "a random order of 12 reaches 0.5 once in 100, 0.7 never")
NO_FALL = Threshold("change of the loss", -0.02, "1", "a fall of 2 % is learning, and learning sharpens gradients")


def check(run: Measured) -> Verdict:
    """Look for growth over the stretch of constant learning rate."""
    found = run.gradients
    if found is None:
        return NotEvaluated(missing="`train/grad_norm`")
    growth = found.growth
    if growth is None:
        return NotEvaluated(missing=f"{MIN_ROWS} gradient norms and rates over steps of nearly constant learning rate")
    if growth.loss_change is None:
        return NotEvaluated(missing="`train/loss` over the steps of constant learning rate")
    says = (
        f"gradient norm changes by a factor of {number(growth.factor, 3)} from step {growth.first_step} to "
        f"{growth.last_step} at constant learning rate, while the loss changes by {percent(growth.loss_change)}"
    )
    evidence = (Evidence(says, None, growth.last_step, "train/grad_norm"),)
    grows = growth.slope > SLOPE.value and growth.monotone > MONOTONE.value
    if grows and growth.loss_change > NO_FALL.value:
        return Present(evidence, settle="the same steps at half the learning rate")
    return Absent(evidence)


RULE = Rule(
    code="NUM107",
    slug="gradient-norm-growth",
    severity=Severity.WARNING,
    needs=("train/grad_norm", "train/learning_rate", "train/loss"),
    check=check,
    thresholds=(SLOPE, MONOTONE, NO_FALL),
)
